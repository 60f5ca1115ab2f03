"""Which control plane acts. `fence` goes up with every new holder; a write compares it."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)
