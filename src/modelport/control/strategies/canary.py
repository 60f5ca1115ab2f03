"""A small share first, then more, as long as the evidence is good: 5 → 25 → 100 %."""

from __future__ import annotations

from modelport.control import rule, spell
from modelport.control.rule import Passed
from modelport.control.strategies.course import Course, promote
from modelport.core.plan import BASIS_POINTS
from modelport.core.rollout import Decision, Shift, View


class Canary(Course):
    """`strategy: canary`. Evidence is kept from step to step; each step lasts at least `min_duration`."""

    def launch(self, view: View) -> Decision:
        """See `Course.launch`."""
        return _step(view, view.rollout.step, "loaded in every replica")

    def judge(self, view: View, now: float) -> Decision:
        """See `Course.judge`."""
        weighed = rule.weigh(view, now)
        if isinstance(weighed, Passed):
            return _step(view, view.rollout.step + 1, weighed.reason)
        return weighed


def _step(view: View, step: int, reason: str) -> Decision:
    """To a step; the one with all traffic is the promotion itself."""
    steps = view.rollout.spec.steps
    if step >= len(steps) or steps[step] >= BASIS_POINTS:
        return promote(view, reason)
    return Shift(step, f"{spell.percent(steps[step])} of the traffic: {reason}")
