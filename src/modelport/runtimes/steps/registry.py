"""The steps a bundle may name, by kind: data in, a frozen object with `apply` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from modelport.core.manifest import Step
from modelport.core.ready import ready
from modelport.errors import BundleCorrupt, BundleRefused
from modelport.runtimes.batch import Batch
from modelport.runtimes.steps.fill_missing import FillMissing


class Applied(Protocol):
    """A step ready to run. Pure and thread-safe; the same code in training and serving."""

    def apply(self, batch: Batch) -> Batch: ...


KINDS: Mapping[str, type[Any]] = {"fill_missing": FillMissing}
"""To add a step: one file beside this one, a frozen struct of its options with `apply`, and a line here."""


def build(steps: Sequence[Step]) -> tuple[Applied, ...]:
    """The steps of a manifest, in order.

    Raises `BundleRefused` for a kind we do not have, `BundleCorrupt` for options it does not take.
    """
    return tuple(_build(step) for step in steps)


def _build(step: Step) -> Applied:
    kind = KINDS.get(step.kind)
    if kind is None:
        msg = f"the bundle needs a step {step.kind!r}, which this version does not have"
        raise BundleRefused(msg, code="step-absent", hint="upgrade modelport")
    try:
        built: Applied = msgspec.convert(step.options, ready(kind))
    except msgspec.ValidationError as error:
        msg = f"the options of step {step.kind!r} are not well formed: {error}"
        raise BundleCorrupt(msg) from error
    return built
