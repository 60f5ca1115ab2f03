"""The epoch: which life of the control plane's state this is.

Every plan's revision is (epoch, number), and every revision of keys holds the epoch too. A restored database
begins a new one, so that what it publishes beats all that was published before, whichever backup it is from:
epochs after the first are the second of their restore.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.db.tables.about import about

_SHIFT = 20
"""A million changes of keys fit between two epochs, and they stay numbers that JSON readers count exactly."""


def epoch(connection: Connection) -> int:
    """The present epoch; the first is 1."""
    return int(connection.execute(sa.select(about.c.value).where(about.c.name == "epoch")).scalar_one())


def next_epoch(connection: Connection, now: float) -> int:
    """Begin a new epoch. `now` is in seconds since the epoch of the system's clock."""
    begun = max(epoch(connection) + 1, int(now))
    connection.execute(sa.update(about).where(about.c.name == "epoch").values(value=str(begun)))
    return begun


def first_revision(of_epoch: int) -> int:
    """Where revisions that are one number begin in an epoch: above all of the epochs before."""
    return of_epoch << _SHIFT
