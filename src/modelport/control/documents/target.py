"""What the place can do where things are deployed. What it cannot honour is refused, never ignored."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelport.control.documents.faults import Fault
from modelport.control.documents.reading import PlacedConfig, PlacedDeployment

ALL = frozenset({"direct", "canary", "blue_green", "ab", "shadow"})


class Abilities(msgspec.Struct, frozen=True):
    """What a target can do. The fleet on this machine can do all of it.

    Attributes:
        target: its name, for people.
        scales: instances follow the load.
        lazy: models can be loaded when they are asked for.
        strategies: those it can carry out.
    """

    target: str = "local"
    scales: bool = True
    lazy: bool = True
    strategies: frozenset[str] = ALL

    def refusals(self, placed: PlacedConfig | PlacedDeployment) -> Iterator[Fault]:
        """What a document asks that this target cannot do."""
        if isinstance(placed, PlacedConfig):
            yield from self._config(placed)
            return
        strategy = str(placed.form.__struct_config__.tag)
        if strategy not in self.strategies:
            yield self._refusal(placed, f"cannot carry out {strategy!r}", "strategy")

    def _config(self, placed: PlacedConfig) -> Iterator[Fault]:
        scaling = placed.form.scaling
        if not scaling:
            return
        if scaling.auto_scale is True and not self.scales:
            yield self._refusal(placed, "cannot scale: leave auto_scale out", "scaling", "auto_scale")
        if scaling.min_instances == 0 and not self.lazy:
            yield self._refusal(placed, "keeps every model loaded", "scaling", "min_instances")

    def _refusal(self, placed: PlacedConfig | PlacedDeployment, why: str, *path: str) -> Fault:
        return placed.fault(f"the target {self.target!r} {why}", *path, code="target-cannot")
