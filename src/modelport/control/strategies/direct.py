"""The new version answers as soon as it is loaded everywhere; the former one stays warm for a while."""

from __future__ import annotations

from modelport.control import rule
from modelport.control.strategies.course import Course, promote
from modelport.core.rollout import Decision, Rollback, View


class Direct(Course):
    """`strategy: direct`, and what `activate` does."""

    def launch(self, view: View) -> Decision:
        """See `Course.launch`."""
        return promote(view, "loaded in every replica")

    def judge(self, view: View, now: float) -> Decision:  # noqa: ARG002 - it waits for nothing
        """It is never judged; where another strategy left it so, it goes on at once, or back."""
        found = rule.harm(view)
        return Rollback(found) if found else self.launch(view)
