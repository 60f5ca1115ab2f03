"""Fleets, the plans they were given, what their replicas report, and what those counted together.

A replica has a row for each of its lives (`incarnation`), so that a count is added once, whatever comes late.
"""

from __future__ import annotations

import sqlalchemy as sa

from modelport.db.tables.base import metadata

fleets = sa.Table(
    "fleets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("replica", sa.Text, primary_key=True),
    sa.Column("incarnation", sa.Text, primary_key=True),
    sa.Column("began", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("counters", sa.Text, nullable=False),
)

tallies = sa.Table(
    "tallies",
    metadata,
    sa.Column("fleet", sa.Text, primary_key=True),
    sa.Column("slot", sa.Text, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)
