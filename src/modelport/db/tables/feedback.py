"""Truths that arrived: what is known of each prediction now, and everything that was ever said of it."""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, primary_key=True),
    sa.Column("prediction_id", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("prediction", sa.Text),
    sa.Column("actual", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due", sa.Float, index=True),
    sa.Column("fleet", sa.Text),
    sa.Column("slot", sa.Text),
    sa.Column("predicted", sa.Text),
    sa.Column("right", sa.Boolean),
    sa.Index("ix_feedback_project_model_at", "project", "model", "at"),
)

truths = sa.Table(
    "truths",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("reference", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("actual", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
