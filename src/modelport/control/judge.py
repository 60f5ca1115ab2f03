"""The judge of a rollout: evidence is folded into a value, and the value says what is shown so far.

    judge = Judge()
    judge = fold(judge, increment, arms, terms)      # after every report
    for finding in findings(judge, terms): ...       # whenever somebody wants to know

Nothing here reads a clock or waits. What is found is valid whenever it is looked at: looking often costs
nothing, and stopping at the first sign of harm is allowed. How it works, and how strong it is:
docs/architecture/09-statistics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from modelport.control.judging import criteria, degradation, guards
from modelport.control.judging.level import asked
from modelport.control.judging.sight import Sight
from modelport.control.statistics.pair import Pair, Table
from modelport.control.statistics.split import Split
from modelport.control.statistics.tails import Question, Tails
from modelport.core.deployment import Terms
from modelport.core.evidence import NONE, Increment, Outcomes
from modelport.core.rollout import Finding


class Arms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which slots are compared while an increment is counted.

    Attributes:
        candidate: slot id of the version that is judged.
        baseline: slot id of the version that it is compared with; None where there is none.
        control: slot id of the baseline's equal-share slot; None while there is none, and the latency of the
            candidate is compared with the baseline's.
        share: of the requests that these slots get, how many in 10,000 are to be the candidate's; None when
            that is not known, as while replicas change from one plan to the next.
    """

    candidate: str
    baseline: str | None = None
    control: str | None = None
    share: float | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """Slots that the candidate is compared with."""
        return tuple(slot for slot in (self.baseline, self.control) if slot is not None)


class Judge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that was seen in a rollout and matters; stored with it (as JSON, about 20 KB).

    Attributes:
        candidate, baseline: all that was counted; the baseline with its control slot.
        control: what the candidate's latency is compared with.
        errors, accuracy: faults, and wrong labels, of the candidate against the baseline.
        latency: latencies of the candidate against the control slot.
        split: requests of the candidate against its share.
    """

    candidate: Outcomes = NONE
    baseline: Outcomes = NONE
    control: Outcomes = NONE
    errors: Pair = Pair()
    accuracy: Pair = Pair()
    latency: Tails = Tails()
    split: Split = Split()


def fold(judge: Judge, increment: Increment, arms: Arms, terms: Terms) -> Judge:
    """The judge after one more increment.

    Increments may be as small or large as they come; the comparison is within each, so arms are compared with
    what they had at the same time. Of slots that `arms` does not name nothing is taken.
    """
    candidate, baseline = increment.of(arms.candidate), increment.of(*arms.others)
    control = increment.of(*((arms.control or arms.baseline,) if arms.baseline else ()))
    return Judge(
        candidate=judge.candidate.plus(candidate),
        baseline=judge.baseline.plus(baseline),
        control=judge.control.plus(control),
        errors=judge.errors.add(_faults(candidate, baseline)),
        accuracy=judge.accuracy.add(_wrong(candidate, baseline)),
        latency=judge.latency.add(candidate.latencies, control.latencies, _questions(terms)),
        split=judge.split.add(candidate.assigned, candidate.assigned + baseline.assigned, arms.share),
    )


def findings(judge: Judge, terms: Terms) -> tuple[Finding, ...]:
    """What is shown so far about every criterion that is asked and every guard, criteria first."""
    sight = Sight(terms=terms, **msgspec.structs.asdict(judge))
    return (
        *(_CRITERIA[name](sight) for name in asked(terms.criteria)),
        *(find(sight) for find in guards.FINDERS),
    )


_CRITERIA: Final[Mapping[str, Callable[[Sight], Finding]]] = {
    "error_rate": criteria.error_rate,
    "latency_p95": criteria.latency_p95,
    "accuracy_threshold": criteria.accuracy_threshold,
    degradation.NAME: degradation.performance_degradation,
}


def _questions(terms: Terms) -> tuple[Question, ...]:
    return (*guards.QUESTIONS, *degradation.questions(terms))


def _faults(candidate: Outcomes, other: Outcomes) -> Table:
    return Table(candidate.trials, candidate.faults, other.trials, other.faults)


def _wrong(candidate: Outcomes, other: Outcomes) -> Table:
    return Table(
        candidate.labels, candidate.labels - candidate.right, other.labels, other.labels - other.right
    )
