"""What was asked of a name, version by version: nothing is replaced, so history can be shown."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

configurations = sa.Table(
    "configurations",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("resolved", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
