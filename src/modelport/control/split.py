"""Who answers an endpoint during a rollout: shares of slots, the same for planner, strategies and judge.

The candidate's arm comes first, then the control slot, then the baseline. A key's place on the line of basis
points does not move while the salt is the same, so whoever was given to a growing candidate stays with it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelport.core.plan import BASIS_POINTS, Share
from modelport.core.rollout import Rollout

CONTROL = "~control"
_HALF = BASIS_POINTS // 2


class Split(msgspec.Struct, frozen=True):
    """Shares of those who answer, which sum to 10,000 basis points, and of those who only repeat."""

    shares: tuple[Share, ...]
    shadows: tuple[Share, ...] = ()

    @property
    def slots(self) -> tuple[str, ...]:
        """Every slot that takes part."""
        return tuple(share.slot for share in (*self.shares, *self.shadows))

    @property
    def by_version(self) -> Mapping[int, int]:
        """Basis points of those who answer, by version; a control slot is its version's."""
        found: dict[int, int] = {}
        for share in self.shares:
            version = version_of(share.slot)
            found[version] = found.get(version, 0) + share.weight
        return found


def slot_id(endpoint: str, version: int) -> str:
    """`churn:2`."""
    return f"{endpoint}:{version}"


def control_id(endpoint: str, version: int) -> str:
    """`churn:1~control`: the baseline's second slot, with as small a share as the candidate."""
    return slot_id(endpoint, version) + CONTROL


def version_of(slot: str) -> int:
    """The version whose bundle a slot of ours holds."""
    return int(slot.removesuffix(CONTROL).rpartition(":")[2])


def whole(endpoint: str, version: int) -> Split:
    """One version answers everything."""
    return Split((Share(slot_id(endpoint, version), BASIS_POINTS),))


def judged(rollout: Rollout) -> Split:
    """How the present step of a rollout splits the traffic.

    Without a baseline nothing can be compared, and the candidate answers alone.
    """
    spec, baseline = rollout.spec, rollout.baseline
    if baseline is None:
        return whole(spec.endpoint, spec.candidate)
    if spec.strategy == "shadow":
        shadow = Share(slot_id(spec.endpoint, spec.candidate), spec.share)
        return Split(whole(spec.endpoint, baseline).shares, (shadow,) if spec.share else ())
    if spec.arms:
        return _beside(rollout, {arm.version: arm.weight for arm in spec.arms})
    share = spec.steps[rollout.step] if spec.steps else BASIS_POINTS
    return _beside(rollout, {spec.candidate: share, baseline: BASIS_POINTS - share})


def compared(rollout: Rollout) -> str | None:
    """The slot whose latency the candidate's is compared with; None when there is nobody to compare with.

    A small share meets emptier batches and a colder cache than a large one, so a candidate with less than
    half of the traffic is compared with a control slot of its own size.
    """
    if rollout.baseline is None:
        return None
    control = control_id(rollout.spec.endpoint, rollout.baseline)
    if control in judged(rollout).slots:
        return control
    return slot_id(rollout.spec.endpoint, rollout.baseline)


def _beside(rollout: Rollout, weights: Mapping[int, int]) -> Split:
    """The candidate, its control, and the others as they are written."""
    endpoint, candidate, baseline = rollout.spec.endpoint, rollout.spec.candidate, rollout.baseline
    assert baseline is not None
    share = weights.get(candidate, 0)
    others = {version: weight for version, weight in weights.items() if version != candidate}
    control = share if others.keys() == {baseline} and 0 < share < _HALF else 0
    parts = {
        slot_id(endpoint, candidate): share,
        control_id(endpoint, baseline): control,
        **{
            slot_id(endpoint, version): weight - (control if version == baseline else 0)
            for version, weight in others.items()
        },
    }
    return Split(tuple(Share(slot, weight) for slot, weight in parts.items() if weight > 0))
