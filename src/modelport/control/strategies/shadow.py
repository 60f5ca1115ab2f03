"""The candidate repeats a share of the requests after their answers have left, and answers nobody."""

from __future__ import annotations

from modelport.control import rule
from modelport.control.rule import Passed
from modelport.control.strategies.course import Course
from modelport.core.rollout import Decision, View, Wait


class Shadow(Course):
    """`strategy: shadow`. It is never promoted by evidence: a person does that, or `on_timeout: promote`."""

    def judge(self, view: View, now: float) -> Decision:
        """See `Course.judge`."""
        weighed = rule.weigh(view, now)
        if not isinstance(weighed, Passed):
            return weighed
        return rule.timed_out(view, now) or Wait(f"{weighed.reason}; promote it, or roll it out as a canary")
