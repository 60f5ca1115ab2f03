"""Secrets that documents name as `secret://name`, encrypted."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
)
