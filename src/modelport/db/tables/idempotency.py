"""Answers already given, so that a request that is sent twice is done once."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("until", sa.Float, nullable=False, index=True),
)
"""`request` is the digest of what was asked; `answer` a `db.idempotency.StoredAnswer` as msgpack, null while
the request is worked on."""
