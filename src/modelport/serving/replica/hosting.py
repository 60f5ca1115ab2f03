"""The seam between the conductor and whoever keeps model hosts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from modelport.core.plan import SlotSpec
from modelport.serving.replica.messages import Hosting


class Hosts(Protocol):
    """Who keeps model hosts (`hosts.house.House`)."""

    def want(self, spec: SlotSpec, tell: Callable[[Hosting], None]) -> None:
        """Host this slot, unless it is; `tell` is told how it is with it now."""

    def keep(self, specs: Iterable[SlotSpec]) -> None:
        """Let go of the hosts of all other slots."""
