"""Movable names of versions. `revision` is the number of the journal entry of the last move."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["project", "model", "version"], ["versions.project", "versions.model", "versions.number"]
    ),
)
