"""What feedback needs of the data plane's event spools: predictions that were answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import msgspec


class Predicted(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answered request.

    Attributes:
        id: its prediction id; row `i` of several is `<id>.<i>`.
        fleet, slot: who answered, `churn:2`.
        rows: what was predicted, row by row, as callers were told; empty where that was not kept.
    """

    id: str
    fleet: str
    slot: str
    rows: tuple[Any, ...] = ()


class Spools(Protocol):
    """Looks predictions up in the spools of a project's fleets. Blocks; called in a thread of its own."""

    def find(self, project: str, ids: Collection[str]) -> Mapping[str, Predicted]:
        """The answered requests with these ids, by id; those that are not there, or not yet, are left out."""
        ...

    def latest(self, project: str, model: str, users: Collection[str]) -> Mapping[str, Predicted]:
        """The latest answered request of each user at an endpoint, by user."""
        ...
