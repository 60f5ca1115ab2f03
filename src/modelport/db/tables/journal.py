"""Who did what. Rows are only ever added; each holds the digest of the one before."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sa.Column("actor", sa.Text, nullable=False, index=True),
    sa.Column("action", sa.Text, nullable=False, index=True),
    sa.Column("resource", sa.Text, nullable=False, index=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
