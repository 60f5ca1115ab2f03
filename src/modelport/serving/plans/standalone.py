"""The plan made on the spot from bundles: `modelport serve churn.bundle --split churn:1=90,…`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from modelport.core.names import check_name
from modelport.core.plan import (
    BASIS_POINTS,
    CPU,
    EndpointSpec,
    Revision,
    Route,
    Scaling,
    ServingPlan,
    Share,
    SlotSpec,
)
from modelport.errors import BundleError, ModelportError, NameInvalid, SettingsError
from modelport.serving.log import note
from modelport.serving.plans.advice import Advice, advice, tuned

_PERCENT = BASIS_POINTS // 100

Split = Mapping[str, Mapping[int, int]]
_NONE: Split = {}

Scales = Mapping[str, tuple[int, int]]
"""Fewest and most instances, by model or `model:version`."""
_AS_IT_IS: Scales = {}


class StandalonePlans:
    """A `PlanSource` over bundles on this machine: versions count 1, 2, … in the order given."""

    def __init__(
        self,
        bundles: Sequence[str],
        split: Split,
        *,
        shadow: Split = _NONE,
        lazy: bool = False,
        pin: Sequence[str] = (),
        device: str = CPU,
        cores: int | None = None,
        scale: Scales = _AS_IT_IS,
    ) -> None:
        self._make = partial(
            make_plan,
            tuple(bundles),
            split,
            shadow=shadow,
            lazy=lazy,
            pin=tuple(pin),
            device=device,
            cores=cores,
            scale=scale,
        )
        self._again = asyncio.Event()

    async def plans(self) -> AsyncIterator[ServingPlan]:
        """The plan, and after each `reload` the plan of the bundles as they are then, if they changed."""
        plan = self._make()
        yield plan
        while True:
            await self._again.wait()
            self._again.clear()
            try:
                newer = self._make(number=plan.revision.number + 1)
            except ModelportError as error:
                note("plan refused", logging.ERROR, reason=str(error))
                continue
            if newer.slots != plan.slots:
                plan = newer
                yield plan

    def reload(self) -> None:
        """Open the bundles again."""
        self._again.set()


def make_plan(
    bundles: Sequence[str],
    split: Split,
    *,
    number: int = 1,
    shadow: Split = _NONE,
    lazy: bool = False,
    pin: Sequence[str] = (),
    device: str = CPU,
    cores: int | None = None,
    scale: Scales = _AS_IT_IS,
) -> ServingPlan:
    """One endpoint per model name; without a split the last version that is no shadow gets all traffic, and
    the others stay reachable by their version.

    `lazy` slots are loaded when they are asked, except those of the models or `model:version` in `pin`.
    What `modelport tune` wrote into a bundle is taken when measured on as many `cores`; None takes none.
    Raises `BundleError` for a bundle that does not open, `SettingsError` for a split or pin that is wrong.
    """
    slots: list[SlotSpec] = []
    for path in bundles:
        model, label, identity, found = _known(path, advised=cores is not None)
        version = 1 + sum(slot.model == model for slot in slots)
        name = f"{model}:{version}"
        scaling = _scaling(scale.get(name, scale.get(model)))
        never = scaling is not None and scaling.min_instances == 0
        pinned = not (lazy or never) or model in pin or name in pin
        slot = SlotSpec(name, model, version, path, identity, label, pinned, device=device, scaling=scaling)
        slots.append(tuned(slot, found, cores))
    models = list(dict.fromkeys(slot.model for slot in slots))
    _check_split(split, models)
    _check_shadow(shadow, slots)
    _check_pins(pin, slots)
    _check_scale(scale, slots)
    endpoints = tuple(_endpoint(model, slots, split.get(model), shadow.get(model, {})) for model in models)
    return ServingPlan(Revision(0, number), tuple(slots), endpoints)


def _scaling(bounds: tuple[int, int] | None) -> Scaling | None:
    return None if bounds is None else Scaling(*bounds, auto_scale=True)


def _check_scale(scale: Scales, slots: Sequence[SlotSpec]) -> None:
    known = {slot.model for slot in slots} | {slot.id for slot in slots}
    for name, (least, most) in scale.items():
        if name not in known:
            msg = f"the scale names {name!r}, which is not among the bundles"
            raise SettingsError(msg, code="bad-scale", hint=f"models here: {', '.join(sorted(known))}")
        if not 0 <= least <= most or most < 1:
            msg = f"{name} cannot scale from {least} to {most} instances"
            raise SettingsError(msg, code="bad-scale", hint="--scale churn=1:4")


def _known(path: str, *, advised: bool) -> tuple[str, str | None, str, Advice | None]:
    """Name, label, identity and advice of the bundle at `path`; only its documents and that are read."""
    from modelport.bundle.reader import open_bundle

    try:
        with open_bundle(path) as bundle:
            found = advice(bundle) if advised else None
            return _name(bundle.about.name, path), bundle.about.label, bundle.identity, found
    except BundleError as error:
        name = Path(path).name
        msg = error.message if repr(name) in error.message else f"{name}: {error.message}"
        raise BundleError(msg, code=error.code, hint=error.hint) from error


def _name(name: str, path: str) -> str:
    """The bundle's own name, or the stem of its file when that is no name for an endpoint."""
    try:
        return check_name(name)
    except NameInvalid:
        return check_name(Path(path).stem)


def _endpoint(
    model: str, slots: Sequence[SlotSpec], split: Mapping[int, int] | None, shadow: Mapping[int, int]
) -> EndpointSpec:
    versions = [slot.version for slot in slots if slot.model == model]
    percent = {_last(versions, shadow): 100} if split is None else split
    _check_shares(model, versions, percent)
    if both := [version for version in shadow if percent.get(version)]:
        msg = f"{model}:{both[0]} gets traffic, so it cannot be a shadow"
        raise SettingsError(msg, code="bad-shadow", hint=f"--split {model}:1=100 --shadow {model}:2=10")
    shares = (Share(f"{model}:{version}", percent.get(version, 0) * _PERCENT) for version in versions)
    shadows = (Share(f"{model}:{version}", percent * _PERCENT) for version, percent in shadow.items())
    return EndpointSpec(model, Route(tuple(shares), shadows=tuple(shadows)))


def _last(versions: Sequence[int], shadow: Mapping[int, int]) -> int:
    """The last version that is no shadow."""
    return next((version for version in reversed(versions) if version not in shadow), versions[-1])


def _check_shadow(shadow: Split, slots: Sequence[SlotSpec]) -> None:
    known = {slot.id for slot in slots}
    for name in [f"{model}:{version}" for model, versions in shadow.items() for version in versions]:
        if name not in known:
            msg = f"{name!r} is to be a shadow and is not among the bundles"
            raise SettingsError(msg, code="bad-shadow", hint=f"slots here: {', '.join(sorted(known))}")
    for share in [share for versions in shadow.values() for share in versions.values()]:
        if not 0 < share <= 100:
            msg = f"a shadow gets {share} percent, not 1 to 100"
            raise SettingsError(msg, code="bad-shadow", hint="--shadow churn:2=10")


def _check_pins(pin: Sequence[str], slots: Sequence[SlotSpec]) -> None:
    for name in set(pin) - {known for slot in slots for known in (slot.id, slot.model)}:
        msg = f"{name!r} is to be pinned and is not among the bundles"
        raise SettingsError(msg, code="bad-pin", hint=f"slots here: {', '.join(slot.id for slot in slots)}")


def _check_split(split: Split, models: Sequence[str]) -> None:
    for model in split.keys() - set(models):
        msg = f"the split names {model!r}, which is not among the bundles"
        raise SettingsError(msg, code="bad-split", hint=f"models here: {', '.join(models)}")


def _check_shares(model: str, versions: Sequence[int], percent: Mapping[int, int]) -> None:
    for version in percent.keys() - set(versions):
        msg = f"the split names {model}:{version}, and there are {len(versions)} versions of {model}"
        raise SettingsError(
            msg, code="bad-split", hint="bundles of one name count 1, 2, … in the order given"
        )
    if sum(percent.values()) != 100 or any(share < 0 for share in percent.values()):
        msg = f"the shares of {model} sum to {sum(percent.values())} percent, not 100"
        raise SettingsError(msg, code="bad-split", hint=f"--split {model}:1=90,{model}:2=10")
