"""Where plans come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from modelport.core.plan import ServingPlan


class PlanSource(Protocol):
    """Brings plans to a replica: a file, plans made on the spot, later a control plane."""

    def plans(self) -> AsyncIterator[ServingPlan]:
        """The plan there is, then each newer one; for as long as the replica runs.

        Raises `ModelportError` when there is no usable plan to begin with. Later faults keep the last plan
        and are logged; they never end the iteration.
        """

    def reload(self) -> None:
        """Look again now (SIGHUP)."""
