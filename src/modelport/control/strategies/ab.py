"""Several arms side by side, each user always at the same one; a winner only when one is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from modelport.control import rule
from modelport.control.strategies.course import Course
from modelport.core.rollout import Decision, Promote, Rollback, View, Wait


class Ab(Course):
    """`strategy: ab`. Guards and criteria send all traffic back to the baseline; with `decide: true`, the
    arm that is shown to be better than every other (finding `best`), and keeps the criteria, gets all of it.
    """

    def judge(self, view: View, now: float) -> Decision:
        """See `Course.judge`."""
        if found := rule.harm(view):
            return Rollback(found)
        winner = _winner(view)
        missing = (*rule.enough(view, now), *(_unmet(view, winner) if winner else ()))
        if winner is not None and not missing:
            return winner
        return rule.timed_out(view, now) or Wait(_waiting(view, missing))


def _winner(view: View) -> Promote | None:
    """The arm that is shown to be best, when the experiment is to be decided."""
    for finding in view.findings if view.rollout.spec.decide else ():
        if finding.name == "best" and finding.verdict == "holds" and finding.version is not None:
            return Promote(finding.version, f"shown to be the best arm: {finding.text}")
    return None


def _unmet(view: View, winner: Promote) -> Iterator[str]:
    """Criteria that the best arm does not meet yet; the baseline has none to meet."""
    named = None if winner.version == view.rollout.spec.candidate else winner.version
    yield from rule.unmet(view, [each for each in rule.criteria(view) if each.version == named])


def _waiting(view: View, missing: tuple[str, ...]) -> str:
    if missing:
        return "waiting for " + "; ".join(missing)
    if view.rollout.spec.decide:
        return "no arm is shown to be better than every other"
    return "the experiment runs; a person ends it"
