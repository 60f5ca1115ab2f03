"""Facts about this database: `epoch`, which a restore raises."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
