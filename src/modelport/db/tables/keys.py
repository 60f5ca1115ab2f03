"""API keys, and how often those of a project have changed."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Column("last_used", sa.Float),
)
"""`entry` is a `core.access.KeyEntry`, which knows the digest of the secret, never the secret."""

access = sa.Table(
    "access",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
)
"""The revision of a project's keys: goes up with every key that is made or revoked."""
