"""What the control plane knows of a rollout, as a value that is stored with it.

Sums of counters only grow. A rollout remembers them as of its last look (`marks`), so what was added is
looked at exactly once, whoever looks: the marks are written in the transaction that folds what was added.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelport.core.evidence import NONE, Increment, Outcomes
from modelport.core.plan import Revision
from modelport.core.rollout import Finding

PACE_SECONDS = 10.0
"""Over how long a rate is measured before it is measured anew."""


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How fast the candidate's requests come: since `at` there were `requests` of them, before, `rate`."""

    at: float = 0.0
    requests: int = 0
    rate: float = 0.0

    def after(self, requests: int, now: float) -> Pace:
        """The pace with `requests` more; a new stretch begins every ten seconds."""
        if not self.at:
            return Pace(now)
        seconds = now - self.at
        count = self.requests + requests
        if seconds < PACE_SECONDS:
            return Pace(self.at, count, self.rate or (count / seconds if seconds > 1 else 0.0))
        return Pace(now, 0, count / seconds)


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was looked at, and what it came to.

    Attributes:
        marks: the fleet's sums by slot, as of the last look.
        seen: by slot, what was folded into the verdicts of this rollout.
        judge: the state of the judge, as it encodes it.
        findings: its verdicts as of the last look.
        decisions: how many were made.
        shares: basis points by version, as routed now.
        routed: the revision with which the present route was published.
        adopted: every live replica has answered with that route since.
        pace: how fast the candidate's requests come.
    """

    marks: Mapping[str, Outcomes] = {}
    seen: Mapping[str, Outcomes] = {}
    judge: msgspec.Raw = msgspec.Raw(b"null")
    findings: tuple[Finding, ...] = ()
    decisions: int = 0
    shares: Mapping[int, int] = {}
    routed: Revision | None = None
    adopted: bool = False
    pace: Pace = Pace()

    def of(self, *slots: str) -> Outcomes:
        """What was folded of some slots together."""
        return Increment(self.seen).of(*slots)


def look(evidence: Evidence, sums: Mapping[str, Outcomes]) -> tuple[Evidence, Increment]:
    """The evidence with its marks moved to `sums`, and what was added since the last look.

    A slot that was never looked at begins with what it has now: what it counted before says nothing about
    this rollout.
    """
    added = {slot: sum_.since(evidence.marks.get(slot, sum_)) for slot, sum_ in sums.items()}
    known = {slot: outcomes for slot, outcomes in added.items() if outcomes != NONE}
    return msgspec.structs.replace(evidence, marks={**evidence.marks, **sums}), Increment(known)


def folded(evidence: Evidence, increment: Increment) -> Evidence:
    """The evidence with an increment among what was seen."""
    slots = evidence.seen.keys() | increment.slots.keys()
    seen = {slot: evidence.of(slot).plus(increment.of(slot)) for slot in slots}
    return msgspec.structs.replace(evidence, seen=seen)
