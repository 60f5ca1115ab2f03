"""Both versions warm; the split as written while green is judged, or all at once without a split."""

from __future__ import annotations

from modelport.control import rule
from modelport.control.rule import Passed
from modelport.control.strategies.course import Course, promote
from modelport.core.rollout import Decision, View


class BlueGreen(Course):
    """`strategy: blue_green`. Green is the candidate; blue stays warm for `keep_warm` after the switch."""

    def launch(self, view: View) -> Decision:
        """See `Course.launch`."""
        if view.rollout.spec.arms:
            return super().launch(view)
        return promote(view, "both versions are warm in every replica")

    def judge(self, view: View, now: float) -> Decision:
        """See `Course.judge`."""
        weighed = rule.weigh(view, now)
        return promote(view, weighed.reason) if isinstance(weighed, Passed) else weighed
