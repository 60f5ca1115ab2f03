"""What the control plane knows of a rollout, as a value that is stored with it.

Sums of counters only grow. A rollout remembers them as of its last look (`marks`), so what was added is
looked at exactly once, whoever looks: the marks are written in the transaction that folds what was added.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelport.control import contest
from modelport.control.contest import Contest
from modelport.control.judge import Arms, Judge, findings, fold
from modelport.core.evidence import NONE, Increment, Outcomes
from modelport.core.plan import Revision, Share
from modelport.core.rollout import Finding, Rollout

PACE_SECONDS = 10.0
"""Over how long a rate is measured before it is measured anew."""


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How fast something comes: since `at` there were `count` of them, and before, `rate` a second."""

    at: float = 0.0
    count: int = 0
    rate: float = 0.0

    def after(self, more: int, now: float) -> Pace:
        """The pace with `more` of them; a new stretch begins every ten seconds."""
        if not self.at:
            return Pace(now)
        seconds, count = now - self.at, self.count + more
        if seconds < PACE_SECONDS:
            return Pace(self.at, count, self.rate)
        return Pace(now, 0, count / seconds)

    def of(self, now: float) -> float:
        """How many a second: of the last whole stretch, or of the present one while it is the first."""
        seconds = now - self.at
        return self.rate or (self.count / seconds if self.at and seconds >= 1 else 0.0)


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was looked at, and what it came to.

    Attributes:
        marks: the fleet's sums by slot, as of the last look.
        judge: what was folded of the candidate and the baseline; contest, of the arms of an experiment.
        findings: verdicts as of the last look.
        decisions: how many were made.
        shares: who answers now, as it was published last.
        routed: the revision with which that was published; None before.
        adopted: every live replica has answered with that route since.
        requests, labels: how fast the candidate's come.
    """

    marks: Mapping[str, Outcomes] = {}
    judge: Judge = Judge()
    contest: Contest = Contest()
    findings: tuple[Finding, ...] = ()
    decisions: int = 0
    shares: tuple[Share, ...] = ()
    routed: Revision | None = None
    adopted: bool = False
    requests: Pace = Pace()
    labels: Pace = Pace()


def look(evidence: Evidence, sums: Mapping[str, Outcomes]) -> tuple[Evidence, Increment]:
    """The evidence with its marks moved to `sums`, and what was added since the last look.

    A slot that was never looked at begins with what it has now: what it counted before says nothing about
    this rollout.
    """
    added = {slot: now.since(evidence.marks.get(slot, now)) for slot, now in sums.items()}
    known = {slot: outcomes for slot, outcomes in added.items() if outcomes != NONE}
    return msgspec.structs.replace(evidence, marks={**evidence.marks, **sums}), Increment(known)


def judged(evidence: Evidence, increment: Increment, arms: Arms, rollout: Rollout, now: float) -> Evidence:
    """The evidence with an increment folded into the verdicts."""
    more, terms = increment.of(arms.candidate), contest.shared(rollout.spec)
    judge = fold(evidence.judge, increment, arms, terms)
    several = contest.fold(evidence.contest, increment, rollout, known=arms.share is not None)
    return msgspec.structs.replace(
        evidence,
        judge=judge,
        contest=several,
        findings=(*findings(judge, terms), *contest.findings(several, rollout)),
        requests=evidence.requests.after(more.requests, now),
        labels=evidence.labels.after(more.labels, now),
    )


def afresh(evidence: Evidence) -> Evidence:
    """The evidence of another question: nothing is judged yet, the decisions stay counted."""
    return msgspec.structs.replace(
        evidence,
        judge=Judge(),
        contest=Contest(),
        findings=(),
        adopted=False,
        requests=Pace(),
        labels=Pace(),
    )
