"""What every store does with a row: hold a document in it, and write it whether or not it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.db.dialect import insert


def text(document: object) -> str:
    """A document as the JSON text that a column holds."""
    return msgspec.json.encode(document).decode()


def upsert(connection: Connection, table: sa.Table, *rows: Mapping[str, Any]) -> None:
    """Write rows of the same columns: new ones, or in the place of those with the same primary key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    wanted = insert(connection, table)
    rest = {name: wanted.excluded[name] for name in rows[0] if name not in keys}
    if rest:
        connection.execute(wanted.on_conflict_do_update(index_elements=keys, set_=rest), [*rows])
    else:
        connection.execute(wanted.on_conflict_do_nothing(index_elements=keys), [*rows])


def add(connection: Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Write a row unless there is one with the same primary key; whether it was written."""
    keys = list(table.primary_key)
    wanted = insert(connection, table).values(**row).on_conflict_do_nothing(index_elements=keys)
    return connection.execute(wanted.returning(*keys)).first() is not None
