"""Names of models. `numbered` is the last number given to a version; numbers are never given twice."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

models = sa.Table(
    "models",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("policy", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("numbered", sa.Integer, nullable=False),
    sa.Column("versions", sa.Integer, nullable=False),
    sa.Column("latest", sa.Integer, nullable=False),
)
