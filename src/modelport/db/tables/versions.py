"""Versions of models. `forced`: made although its identity had a version already.

Tags and metrics are searched, so they are JSON columns, of which both engines can take a value.
"""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("label", sa.Text),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("forced", sa.Boolean, nullable=False),
    sa.Column("artifact", sa.Text, sa.ForeignKey("artifacts.digest"), nullable=False, index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("contract", sa.Text, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("lineage", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["project", "model"], ["models.project", "models.name"]),
    sa.UniqueConstraint("project", "model", "label"),
    sa.Index(
        "ix_versions_identity",
        "project",
        "model",
        "identity",
        unique=True,
        sqlite_where=sa.text("NOT forced"),
        postgresql_where=sa.text("NOT forced"),
    ),
)
