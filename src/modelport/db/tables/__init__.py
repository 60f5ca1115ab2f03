"""Every table, one file per noun. A change of one is a migration; a test compares the two.

Documents are kept as JSON text, in the very shapes of `core`; what is searched or joined has a column of its
own. Times are seconds since the epoch. Names that people use are the keys: nothing refers to a row by a
number that a database made.

To add a table: a file here that hangs it on `metadata`, its import below, and a migration with the next
number in `db/migrations/versions`.
"""

from __future__ import annotations

from modelport.db.tables.about import about
from modelport.db.tables.aliases import aliases
from modelport.db.tables.artifacts import artifacts
from modelport.db.tables.base import metadata
from modelport.db.tables.configurations import configurations
from modelport.db.tables.deployments import decisions, deployments, rollouts
from modelport.db.tables.feedback import feedback, truths
from modelport.db.tables.fleet import fleets, plans, replicas, tallies
from modelport.db.tables.idempotency import idempotency
from modelport.db.tables.journal import journal
from modelport.db.tables.keys import access, keys
from modelport.db.tables.lease import lease
from modelport.db.tables.models import models
from modelport.db.tables.secrets import secrets
from modelport.db.tables.versions import versions

__all__ = [
    "about",
    "access",
    "aliases",
    "artifacts",
    "configurations",
    "decisions",
    "deployments",
    "feedback",
    "fleets",
    "idempotency",
    "journal",
    "keys",
    "lease",
    "metadata",
    "models",
    "plans",
    "replicas",
    "rollouts",
    "secrets",
    "tallies",
    "truths",
    "versions",
]
