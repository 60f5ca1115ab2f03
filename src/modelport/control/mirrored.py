"""What a shadow said to the same requests as those who answered, as findings that people read.

They count the workers that run now, so they are shown and never decided on: a shadow is judged by its
faults and latencies, which are counted exactly (`control.judge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from modelport.control import split
from modelport.core.fleet import PlanStatus, ShadowSeen
from modelport.core.rollout import Finding, Rollout

AGREEMENT, SHIFT, LATENCY = "shadow.agreement", "shadow.shift", "shadow.latency"


def findings(reports: Sequence[PlanStatus], rollout: Rollout) -> tuple[Finding, ...]:
    """Agreement, shift of scores, and latency of the shadow of a rollout; nothing for other strategies."""
    if rollout.spec.strategy != "shadow":
        return ()
    slot = split.slot_id(rollout.spec.endpoint, rollout.spec.candidate)
    found = [seen for status in reports for seen in status.shadows if seen.slot == slot]
    if not found:
        text = "nothing was compared yet"
        return tuple(Finding(name, "absent", text=text) for name in (AGREEMENT, SHIFT, LATENCY))
    seen = reduce(ShadowSeen.plus, found)
    return _agreement(seen), _shift(seen), _latency(seen)


def _agreement(seen: ShadowSeen) -> Finding:
    if not seen.rows:
        return Finding(AGREEMENT, "absent", text="no row was compared yet")
    share = seen.agreed / seen.rows
    text = f"the same prediction for {share:.2%} of {seen.rows} rows"
    return Finding(AGREEMENT, "open", share, samples=seen.rows, text=text)


def _shift(seen: ShadowSeen) -> Finding:
    if not seen.shifts:
        return Finding(SHIFT, "absent", text="the answers have no scores to compare")
    mean = seen.shift / seen.shifts
    text = f"scores differ by {mean:.3g} on average, at most {seen.largest:.3g}, in {seen.shifts} rows"
    return Finding(SHIFT, "open", mean, high=seen.largest, samples=seen.shifts, text=text)


def _latency(seen: ShadowSeen) -> Finding:
    if not seen.requests or not seen.answered_seconds:
        return Finding(LATENCY, "absent", text="no request was compared yet")
    ratio = seen.shadow_seconds / seen.answered_seconds
    text = f"takes {ratio:.2f} times as long over {seen.requests} requests"
    return Finding(LATENCY, "open", ratio, limit=1.0, samples=seen.requests, text=text)
