"""What all strategies share: the course from phase to phase, and that a person's wish comes first.

A strategy adds two things: what happens when the slots are ready (`launch`), and what happens while the
candidate is judged (`judge`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from msgspec.structs import replace

from modelport.control import rule, spell, split
from modelport.core.deployment import DeploymentSpec
from modelport.core.rollout import (
    ENDED,
    Decision,
    Fail,
    Finish,
    Hold,
    Prepare,
    Promote,
    Rollback,
    Rollout,
    Shift,
    View,
    Wait,
    Wish,
)

_FIRST = "the first version, nothing to compare it with"


class Course(ABC):
    """A strategy by its own turns; it keeps nothing, so one serves every endpoint."""

    def launch(self, view: View) -> Decision:
        """What to do once every slot is ready; an endpoint's first version is promoted without it."""
        return Shift(view.rollout.step, "loaded in every replica")

    @abstractmethod
    def judge(self, view: View, now: float) -> Decision:
        """What to do with a candidate that has its share."""

    def decide(self, spec: DeploymentSpec, view: View, now: float) -> Decision:
        """See `Strategy.decide`. `spec` is what counts where `view` has another one."""
        view = replace(view, rollout=replace(view.rollout, spec=spec))
        if view.rollout.phase in ENDED:
            return Wait("the rollout has ended")
        if view.wish is not None and (decision := _wished(view, view.wish)) is not None:
            return decision
        return self._by_phase(view, now)

    def _by_phase(self, view: View, now: float) -> Decision:
        match view.rollout.phase:
            case "preparing":
                return self._preparing(view, now)
            case "promoted":
                return _promoted(view, now)
            case "paused":
                return _paused(view)
        if failed := _failure(view):
            return Rollback(f"a slot of the rollout cannot be served: {failed}")
        return _holding(view) if view.rollout.phase == "holding" else self.judge(view, now)

    def _preparing(self, view: View, now: float) -> Decision:
        if failed := _failure(view):
            return Fail(f"a slot of the rollout cannot be served: {failed}")
        unready = _unready(view)
        if not unready:
            return self.launch(view) if view.rollout.baseline is not None else promote(view, _FIRST)
        if not any(sight.replicas for sight in view.slots.values()):
            return Prepare(unready, idle=True)
        if now >= view.rollout.deadline:
            limit = spell.lasting(view.rollout.spec.terms.max_duration)
            return Fail(f"not loaded after {limit}: {unready}")
        return Prepare(unready)


def promote(view: View, reason: str) -> Promote:
    """All traffic to the candidate."""
    return Promote(view.rollout.spec.candidate, reason)


def loading(rollout: Rollout) -> bool:
    """Whether no traffic was shifted yet."""
    return rollout.phase == "preparing" or (rollout.phase == "paused" and rollout.before == "preparing")


def _wished(view: View, wish: Wish) -> Decision | None:
    """What carries out a wish; None when it is carried out already."""
    match wish:
        case "rollback":
            return _back(view.rollout)
        case "promote":
            return _promoted_by_hand(view)
        case "pause":
            return _pause(view.rollout)
        case "resume":
            return _resume(view.rollout)


def _back(rollout: Rollout) -> Decision | None:
    if rollout.baseline is not None:
        return Rollback("rolled back by hand")
    return Fail("stopped by hand; there is no version to go back to") if loading(rollout) else None


def _promoted_by_hand(view: View) -> Decision | None:
    """What is not loaded cannot answer: the wish is kept until it is."""
    if view.rollout.phase == "promoted":
        return None
    if not loading(view.rollout):
        return promote(view, "promoted by hand")
    if failed := _failure(view):
        return Fail(f"promoted by hand, but a slot of it cannot be served: {failed}")
    if unready := _unready(view):
        return Wait(f"to be promoted by hand as soon as it is loaded; {unready}")
    return promote(view, "promoted by hand")


def _pause(rollout: Rollout) -> Decision | None:
    if rollout.phase in ("paused", "promoted"):
        return None
    return Hold("paused by hand", phase="paused")


def _resume(rollout: Rollout) -> Decision | None:
    if rollout.phase not in ("paused", "holding"):
        return None
    if loading(rollout):
        return Prepare("resumed by hand")
    return Shift(rollout.step, "resumed by hand")


def _promoted(view: View, now: float) -> Decision:
    rollout = view.rollout
    left = rollout.since + rollout.spec.keep_warm - now
    if left > 0:
        return Wait(f"version {rollout.baseline} stays warm for {spell.lasting(left)}")
    if not view.adopted:
        return Wait(f"version {rollout.baseline} stays warm until every replica has left it")
    return Finish(f"version {rollout.version} answers everywhere")


def _paused(view: View) -> Decision:
    """A pause is a person's word: nothing moves, not even for harm, but harm is said."""
    found = rule.harm(view)
    return Wait(f"paused by hand, but {found}: roll back, or resume" if found else "paused by hand")


def _holding(view: View) -> Decision:
    """Traffic still flows to the candidate, so harm still sends it back."""
    found = rule.harm(view)
    return Rollback(found) if found else Wait(view.rollout.reason)


def _unready(view: View) -> str:
    """Which slot is not ready everywhere, and how far it is; empty when all are."""
    for slot in split.judged(view.rollout).slots:
        sight = view.slots.get(slot)
        if sight is None or not sight.replicas:
            return "no replica of the fleet reports"
        if sight.ready < sight.replicas:
            return f"{slot} is ready in {sight.ready} of {spell.count(sight.replicas, 'replica')}"
    return ""


def _failure(view: View) -> str:
    """Why a slot that the rollout brought cannot be served; empty when none failed."""
    answering = view.rollout.baseline and split.slot_id(view.rollout.spec.endpoint, view.rollout.baseline)
    for slot in split.judged(view.rollout).slots:
        failed = view.slots[slot].failed if slot in view.slots else ""
        if failed and slot != answering:
            return f"{slot}: {failed}"
    return ""
