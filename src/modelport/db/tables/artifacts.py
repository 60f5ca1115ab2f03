"""Artifacts that are, or may be, in the store. `touched`: when a registration last meant to use it.

A row says nothing of the bytes: it is what a registration and the garbage collection take turns at.
"""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("touched", sa.Float, nullable=False, index=True),
)
