"""Rows of any table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa


def row(table: sa.Table, **given: Any) -> dict[str, Any]:
    """A row with what is given, and something of the right kind elsewhere."""
    made: dict[type, Any] = {str: "x", int: 1, float: 0.1, bool: False, bytes: b"\x00\xff"}
    return {
        column.name: given.get(
            column.name, {"n": 1} if isinstance(column.type, sa.JSON) else made[column.type.python_type]
        )
        for column in table.columns
    }
