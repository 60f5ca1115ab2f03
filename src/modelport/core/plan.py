"""The serving plan: one immutable, whole document that says what a fleet serves.

A plan is checked and refused as a whole, and takes effect endpoint by endpoint (see `serving.lifecycle`).
Say what you want: leaving a slot out of the plan unloads it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal

import msgspec

from modelport.core.manifest import Parameters
from modelport.core.names import check_name
from modelport.errors import NameInvalid, PlanRefused

BASIS_POINTS = 10_000
"""Shares of a route are integers that sum to this."""

CPU = "cpu"
_DEVICE = re.compile(r"cpu|(?:cuda|tensorrt):[0-9]{1,3}")

StickyBy = Literal["user", "caller", "request"]


class Revision(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """Orders plans: a new epoch (a restored control plane) beats every number of an older one."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"


class Scaling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Between how many instances a slot moves (in one worker, or over all of a hosted model), and whether it
    does so by itself.

    0 as the least makes the slot lazy: its model is loaded when it is asked for, and has one instance then.
    """

    min_instances: int = 1
    max_instances: int = 1
    auto_scale: bool = False


class SlotSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A bundle placed in a plan.

    Attributes:
        id: unique in the plan, `model:version`.
        model, version, label: what answers say they came from.
        bundle: where the bundle is: a path as the replica sees it.
        identity: the bundle identity it must have; empty accepts whatever is there (plans made on the spot).
        pinned: warm before its endpoint switches, never evicted.
        parameters: replaces the bundle's own defaults when given.
        scaling: lets the instances follow the load; None keeps them.
        instances: copies that can run a batch at a time: lanes in one worker, or processes of a hosted model.
        device: `cpu`, `cuda:0` or `tensorrt:0`; anything but `cpu` runs in a model host.
    """

    id: str
    model: str
    version: int
    bundle: str
    identity: str = ""
    label: str | None = None
    pinned: bool = True
    parameters: Parameters | None = None
    instances: int = 1
    scaling: Scaling | None = None
    device: str = CPU


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One arm of a route: a slot and its weight in basis points."""

    slot: str
    weight: int


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an endpoint's traffic splits.

    Attributes:
        shares: who answers; weights sum to `BASIS_POINTS`.
        salt: names the experiment, so that splits do not correlate.
        sticky: what the key of a request is.
        shadows: slots at which a share of the requests is repeated after the answer, each weight on its own.
    """

    shares: tuple[Share, ...]
    salt: str = ""
    sticky: StickyBy = "user"
    shadows: tuple[Share, ...] = ()


class EndpointSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller names. Every slot of its route has the same contract."""

    name: str
    route: Route


class ServingPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All a fleet serves at one revision."""

    revision: Revision
    slots: tuple[SlotSpec, ...]
    endpoints: tuple[EndpointSpec, ...]


def check(plan: ServingPlan) -> ServingPlan:
    """The plan itself when it is consistent; raises `PlanRefused` naming every fault.

    Total: any decoded plan either passes or is refused, whatever its values.
    """
    faults = list(_faults(plan))
    if not faults:
        return plan
    msg = f"plan {plan.revision} refused: {'; '.join(faults[:10])}"
    raise PlanRefused(msg, hint="the last good plan stays in effect; mend the plan and publish it again")


def is_device(text: str) -> bool:
    """Whether it names where a model can run: `cpu`, `cuda:N` or `tensorrt:N`."""
    return _DEVICE.fullmatch(text) is not None


def digest(plan: ServingPlan) -> str:
    """SHA-256 of the canonical plan, in hex."""
    return hashlib.sha256(msgspec.json.encode(plan, order="sorted")).hexdigest()


def _faults(plan: ServingPlan) -> Iterator[str]:
    yield from _repeated("slot", [slot.id for slot in plan.slots])
    yield from _repeated("endpoint", [endpoint.name for endpoint in plan.endpoints])
    for slot in plan.slots:
        yield from _slot_faults(slot)
    known = {slot.id for slot in plan.slots}
    for endpoint in plan.endpoints:
        yield from _name_faults(endpoint.name)
        yield from _route_faults(endpoint, known)


def _repeated(what: str, names: list[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name!r} is there {count} times"


def _name_faults(name: str) -> Iterator[str]:
    try:
        check_name(name)
    except NameInvalid as error:
        yield error.message


def _slot_faults(slot: SlotSpec) -> Iterator[str]:
    yield from _name_faults(slot.model)
    if slot.version < 1:
        yield f"slot {slot.id!r} has version {slot.version}"
    if slot.instances < 1:
        yield f"slot {slot.id!r} has {slot.instances} instances"
    if slot.scaling is not None:
        yield from _scaling_faults(slot, slot.scaling)
    if not is_device(slot.device):
        yield f"slot {slot.id!r} has the device {slot.device!r}, which is not cpu, cuda:N or tensorrt:N"
    if not slot.bundle:
        yield f"slot {slot.id!r} names no bundle"


def _scaling_faults(slot: SlotSpec, scaling: Scaling) -> Iterator[str]:
    if not 0 <= scaling.min_instances <= scaling.max_instances or scaling.max_instances < 1:
        asked = f"{scaling.min_instances} to {scaling.max_instances}"
        yield f"slot {slot.id!r} scales from {asked} instances"
    if scaling.min_instances == 0 and slot.pinned:
        yield f"slot {slot.id!r} is pinned and may have no instance"


def _route_faults(endpoint: EndpointSpec, known: set[str]) -> Iterator[str]:
    shares = endpoint.route.shares
    total = sum(share.weight for share in shares)
    if total != BASIS_POINTS:
        yield f"shares of {endpoint.name!r} sum to {total}, not {BASIS_POINTS}"
    if any(share.weight < 0 for share in shares):
        yield f"a share of {endpoint.name!r} is negative"
    yield from _repeated(f"in the route of {endpoint.name!r}, slot", [share.slot for share in shares])
    for share in shares:
        if share.slot not in known:
            yield f"endpoint {endpoint.name!r} routes to unknown slot {share.slot!r}"
    yield from _shadow_faults(endpoint, known)


def _shadow_faults(endpoint: EndpointSpec, known: set[str]) -> Iterator[str]:
    shadows = endpoint.route.shadows
    answering = {share.slot for share in endpoint.route.shares if share.weight}
    yield from _repeated(f"among the shadows of {endpoint.name!r}, slot", [share.slot for share in shadows])
    for share in shadows:
        if not 0 < share.weight <= BASIS_POINTS:
            yield f"the shadow {share.slot!r} of {endpoint.name!r} has the weight {share.weight}"
        if share.slot not in known:
            yield f"endpoint {endpoint.name!r} has the unknown shadow {share.slot!r}"
        if share.slot in answering:
            yield f"slot {share.slot!r} answers {endpoint.name!r} and cannot be its shadow too"
