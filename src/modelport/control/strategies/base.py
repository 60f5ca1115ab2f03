"""The seam of strategies, and which one goes by a name: the entry points `modelport.strategies`, ours too."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Protocol

from modelport.core.deployment import DeploymentSpec
from modelport.core.rollout import Decision, View
from modelport.errors import SettingsError

GROUP = "modelport.strategies"


class Strategy(Protocol):
    """Decides what a rollout does next.

    Pure and total: it answers for every view, at once, from its arguments alone, and the same again when it
    is asked again. It never shifts traffic to slots that are not ready, and carries out what a person
    wished before anything else (`modelport.testing.check_strategy` checks all of that).
    """

    def decide(self, spec: DeploymentSpec, view: View, now: float) -> Decision:
        """What to do about the rollout in `view`, at `now` (seconds since the epoch)."""
        ...


@cache
def strategy(name: str) -> Strategy:
    """The strategy of that name. Raises `SettingsError` when none, or more than one, is installed."""
    found = tuple(entry_points(group=GROUP, name=name))
    if len(found) != 1:
        msg = f"there {'is no strategy' if not found else 'are several strategies'} {name!r} installed"
        known = ", ".join(names()) or "none"
        hint = f"installed: {known}; a source tree is to be installed again when its entry points change"
        raise SettingsError(msg, code="strategy-absent", hint=hint)
    built: Strategy = found[0].load()()
    return built


def names() -> tuple[str, ...]:
    """Names of the installed strategies, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))
