"""The decision rule of every strategy that judges a candidate (CONTRACTS 4): what the evidence allows now.

In this order: shown harm sends the candidate back; enough good evidence passes it; after `max_duration`,
`on_timeout` decides; else it waits, saying for what. Every bound is valid whenever it is looked at, so the
rule may be asked as often as one likes (see `control.judge`). Absent evidence is never taken for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from modelport.control import spell
from modelport.core.rollout import Finding, Hold, Promote, Rollback, View, Wait

_OF_LABELS = frozenset({"accuracy_threshold"})


class Passed(msgspec.Struct, frozen=True):
    """The candidate may go on to what comes next."""

    reason: str


Weighed = Rollback | Passed | Hold | Promote | Wait


def weigh(view: View, now: float) -> Weighed:
    """What the evidence in `view` allows at `now`; total and idempotent."""
    if found := harm(view):
        return Rollback(found)
    missing = tuple(_missing(view, now))
    if not missing:
        return Passed(_passed(view))
    return timed_out(view, now) or Wait("waiting for " + "; ".join(missing))


def harm(view: View) -> str:
    """Which harm is shown, for people; empty when none is."""
    shown = [_say(finding) for finding in view.findings if finding.verdict == "harm"]
    return f"harm is shown: {'; '.join(shown)}" if shown else ""


def timed_out(view: View, now: float) -> Hold | Rollback | Promote | None:
    """How the rollout ends when its time is over; None before."""
    terms, rollout = view.rollout.spec.terms, view.rollout
    if now < rollout.deadline:
        return None
    reason = f"undecided after {spell.lasting(terms.max_duration)}, and on_timeout is {terms.on_timeout}"
    if terms.on_timeout == "rollback":
        return Rollback(reason)
    if terms.on_timeout == "promote":
        return Promote(rollout.spec.candidate, reason)
    return Hold(reason)


def criteria(view: View) -> tuple[Finding, ...]:
    """The findings about what was asked: without guards, what a shadow said, and which arm is best."""
    return tuple(it for it in view.findings if "." not in it.name and it.name != "best")


def enough(view: View, now: float) -> Iterator[str]:
    """What is missing before any verdict may be acted on: requests, time, replicas that follow."""
    terms, rollout = view.rollout.spec.terms, view.rollout
    if (requests := terms.min_requests - view.requests) > 0:
        yield spell.more(requests, "request", view.rate)
    if (seconds := rollout.stepped + terms.min_duration - now) > 0:
        yield f"{spell.lasting(seconds)} more of this step"
    if not view.adopted:
        yield "every replica to answer with the present split"


def unmet(view: View, found: Iterable[Finding]) -> Iterator[str]:
    """Which of these criteria do not let their version pass, as `require` has it."""
    proven = view.rollout.spec.terms.require == "proven"
    for finding in found:
        if proven and finding.verdict != "holds":
            yield _unproven(view, finding)
        elif not finding.fits and finding.verdict != "absent":
            yield f"an estimate that keeps the limit: {_say(finding)}"


def _missing(view: View, now: float) -> Iterator[str]:
    yield from enough(view, now)
    yield from unmet(view, criteria(view))


def _unproven(view: View, finding: Finding) -> str:
    said = f"proof of {_say(finding)}"
    if not finding.needed:
        return said
    labels = finding.name in _OF_LABELS
    rate = view.label_rate if labels else view.rate
    return f"{said}: {spell.more(finding.needed, 'label' if labels else 'request', rate)}"


def _passed(view: View) -> str:
    proven = view.rollout.spec.terms.require == "proven"
    held = "every criterion is proven" if proven else "no harm is shown and every estimate holds"
    absent = [it.name for it in view.findings if it.verdict == "absent" and not it.name.startswith("shadow.")]
    said = f"{held} after {spell.count(view.requests, 'request')}"
    return f"{said}; no evidence of {', '.join(absent)}" if absent else said


def _say(finding: Finding) -> str:
    name = finding.name if finding.version is None else f"{finding.name} of version {finding.version}"
    return f"{name} ({finding.text})" if finding.text else name
