"""Several arms at once (`ab`): each is guarded against the baseline, and each pair is compared.

The baseline and the last arm, which is the candidate, have the judge of every rollout (`control.judge`). Here
every arm between them has a judge of its own; they share the error level, so the chance of a false harm over
the whole experiment stays what was asked for.

The best arm is one that is shown to be better than every other. For a worse arm to be called so it has to be
shown better than the arm that truly is best: there are `arms - 1` such comparisons, in faults and in wrong
labels, so each gets that part of the level (union bound). What is shown is valid whenever it is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import msgspec
from msgspec.structs import replace

from modelport.control import judge as judging
from modelport.control import split
from modelport.control.judge import Arms, Judge
from modelport.control.statistics import odds
from modelport.control.statistics.pair import Pair, Table
from modelport.core.deployment import DeploymentSpec, Terms
from modelport.core.evidence import NONE, Increment, Outcomes
from modelport.core.plan import BASIS_POINTS
from modelport.core.rollout import Finding, Rollout


class Duel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One arm against another: faults, and wrong labels."""

    errors: Pair = Pair()
    accuracy: Pair = Pair()

    def add(self, one: Outcomes, other: Outcomes) -> Duel:
        """With one more increment of both."""
        faults = Table(one.trials, one.faults, other.trials, other.faults)
        wrong = Table(one.labels, one.labels - one.right, other.labels, other.labels - other.right)
        return Duel(self.errors.add(faults), self.accuracy.add(wrong))


class Contest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was seen of the arms of an experiment; stored with its rollout.

    Attributes:
        seen: all that was counted, by version.
        rivals: the judge of each arm that is neither baseline nor candidate, by version.
        duels: each pair of arms, as `1:2`.
    """

    seen: Mapping[int, Outcomes] = {}
    rivals: Mapping[int, Judge] = {}
    duels: Mapping[str, Duel] = {}


def fold(contest: Contest, increment: Increment, rollout: Rollout, *, known: bool) -> Contest:
    """The contest after one more increment.

    Args:
        contest: as it was.
        increment: what was counted since the last look.
        rollout: of the experiment.
        known: whether every replica split as the rollout says while it was counted.
    """
    spec = rollout.spec
    if spec.strategy != "ab":
        return contest
    added = {arm.version: increment.of(split.slot_id(spec.endpoint, arm.version)) for arm in spec.arms}
    seen = {version: contest.seen.get(version, NONE).plus(more) for version, more in added.items()}
    terms = shared(spec)
    rivals = {
        version: judging.fold(
            contest.rivals.get(version, Judge()), increment, _arms(rollout, version, known=known), terms
        )
        for version in _between(rollout)
    }
    duels = {
        _name(one, other): contest.duels.get(_name(one, other), Duel()).add(added[one], added[other])
        for one, other in combinations(sorted(added), 2)
    }
    return Contest(seen, rivals, duels)


def findings(contest: Contest, rollout: Rollout) -> tuple[Finding, ...]:
    """What is shown about each arm between baseline and candidate, and, when asked for, which is best."""
    spec = rollout.spec
    if spec.strategy != "ab":
        return ()
    terms = shared(spec)
    guarded = (
        replace(found, version=version)
        for version, judge in sorted(contest.rivals.items())
        for found in judging.findings(judge, terms)
    )
    return (*guarded, *(_best(contest, spec, arm.version) for arm in spec.arms if spec.decide))


def shared(spec: DeploymentSpec) -> Terms:
    """The terms with the part of the error level that each arm beside the baseline has."""
    if spec.strategy != "ab" or len(spec.arms) < 3:
        return spec.terms
    return replace(spec.terms, error_level=spec.terms.error_level / (len(spec.arms) - 1))


def _best(contest: Contest, spec: DeploymentSpec, version: int) -> Finding:
    """Whether one arm is shown to be better than every other: in accuracy where there is feedback for all of
    them, else in faults.
    """
    labelled = bool(contest.seen) and all(outcomes.labels for outcomes in contest.seen.values())
    seen = contest.seen.get(version, NONE)
    samples = seen.labels if labelled else seen.trials
    others = [arm.version for arm in spec.arms if arm.version != version]
    shown = min(_better(contest, version, other, labelled=labelled) for other in others)
    level = spec.terms.error_level / (2 * len(others))
    return Finding(
        "best",
        "absent" if not samples else "holds" if shown >= -math.log(level) else "open",
        _rate(seen, labelled=labelled),
        samples=samples,
        text=_said(contest, version, others, labelled=labelled),
        version=version,
    )


def _better(contest: Contest, version: int, other: int, *, labelled: bool) -> float:
    """Natural logarithm of the e-value against "`version` is not better than `other`"."""
    duel = contest.duels.get(_name(version, other), Duel())
    ll = (duel.accuracy if labelled else duel.errors).likelihoods
    return odds.below(ll) if version < other else odds.above(ll)


def _said(contest: Contest, version: int, others: list[int], *, labelled: bool) -> str:
    rates = {each: _rate(contest.seen.get(each, NONE), labelled=labelled) for each in (version, *others)}
    texts = {each: "unknown" if rate is None else f"{rate:.2%}" for each, rate in rates.items()}
    against = ", ".join(f"{texts[other]} of version {other}" for other in others)
    return f"{'accuracy' if labelled else 'errors'} {texts[version]} against {against}"


def _rate(seen: Outcomes, *, labelled: bool) -> float | None:
    if labelled:
        return seen.correct / seen.labels if seen.labels else None
    return seen.faults / seen.trials if seen.trials else None


def _between(rollout: Rollout) -> list[int]:
    ends = (rollout.spec.candidate, rollout.baseline)
    return [arm.version for arm in rollout.spec.arms if arm.version not in ends]


def _arms(rollout: Rollout, version: int, *, known: bool) -> Arms:
    assert rollout.baseline is not None
    weights = {arm.version: arm.weight for arm in rollout.spec.arms}
    among = weights[version] + weights[rollout.baseline]
    endpoint = rollout.spec.endpoint
    return Arms(
        split.slot_id(endpoint, version),
        split.slot_id(endpoint, rollout.baseline),
        share=weights[version] * BASIS_POINTS / among if known and among else None,
    )


def _name(one: int, other: int) -> str:
    return f"{min(one, other)}:{max(one, other)}"
