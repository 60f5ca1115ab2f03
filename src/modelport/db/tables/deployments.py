"""Endpoints as they are wanted, their rollouts, and what was decided about them.

`active` marks what the reconciler has to look at; a wish is what a person asked for and is not carried out.
"""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("active", sa.Boolean, nullable=False, index=True),
    sa.Column("wish", sa.Text),
    sa.Column("wished_by", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

rollouts = sa.Table(
    "rollouts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False, index=True),
    sa.Column("endpoint", sa.Text, nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("rollout", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)
