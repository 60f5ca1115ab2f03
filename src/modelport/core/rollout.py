"""A rollout: where it stands, what was found, and what is decided next.

    preparing -> judging -> (next step: judging ...) -> promoted -> ended
        |            |                                     |
        |            +-> paused, holding (a person says)    +-> rolled_back (while the former version is warm)
        +-> failed   +-> rolled_back

A rollout is a value. Evidence is folded into it (`control.judge`), a strategy decides about it
(`control.strategies`), and the loop that carries a decision out replaces it: nothing here waits or writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from modelport.core.deployment import DeploymentSpec

Phase = Literal["preparing", "judging", "paused", "holding", "promoted", "rolled_back", "failed", "ended"]
ENDED: frozenset[Phase] = frozenset({"rolled_back", "failed", "ended"})

Wish = Literal["pause", "resume", "promote", "rollback"]
"""What a person asked for; always carried out."""


class Rollout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One endpoint on its way from a version to another.

    Attributes:
        id: of this rollout; also the salt of its split, so that experiments do not correlate.
        spec: what is wanted.
        generation: of the deployment it carries out.
        baseline: the version that answered before; None for an endpoint that had none.
        phase: see above.
        step: index of the step that is judged (canary), else 0.
        began, stepped: when it began, and when its present step did (seconds since the epoch).
        since: when it entered its present phase; a pause moves `stepped` and `deadline` on by its length.
        deadline: when `terms.on_timeout` decides.
        version: which version was promoted; None before.
        ended: when it came to its end; None before.
        before: the phase that a pause interrupted.
        reason: why it stands where it stands, for people.
    """

    id: str
    spec: DeploymentSpec
    generation: int
    baseline: int | None
    phase: Phase = "preparing"
    step: int = 0
    began: float = 0.0
    stepped: float = 0.0
    since: float = 0.0
    deadline: float = 0.0
    version: int | None = None
    ended: float | None = None
    before: Phase | None = None
    reason: str = ""


Verdict = Literal["harm", "holds", "open", "absent"]


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the evidence says about one criterion or guard, valid whenever it is looked at.

    Attributes:
        name: `error_rate`, `latency_p95`, `accuracy_threshold`, `performance_degradation`, or a guard:
            `guard.errors`, `guard.latency`, `guard.accuracy`, `guard.broken`, `guard.split`; of `ab`, `best`:
            whether `version` is shown to be better than every other arm; of `shadow`, `shadow.agreement`,
            `shadow.shift` and `shadow.latency`, which are shown and never decided on.
        verdict: `harm` is shown; it `holds` wholly inside its limit; it is `open`; its evidence is `absent`.
        estimate, low, high: of what is limited, and its confidence sequence; None where there is none.
        limit: what it must keep; of a guard, what the baseline has.
        samples: requests or labels of the candidate that went into it.
        fits: whether the point estimate keeps the limit; of absent evidence, True; of a guard, whether no
            harm is shown (of two versions that are alike one always looks worse).
        needed: how many more it would take at the present estimate to show that it holds; None if unknown.
        text: one line for people.
        version: whom it is about; None is the candidate.
    """

    name: str
    verdict: Verdict
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    samples: int = 0
    fits: bool = True
    needed: int | None = None
    text: str = ""
    version: int | None = None

    @property
    def is_guard(self) -> bool:
        """Whether it is on for every rollout, asked for or not."""
        return self.name.startswith("guard.")


class SlotSight(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far a slot is in the fleet: ready in so many of its replicas, or failed for a reason."""

    ready: int = 0
    replicas: int = 0
    failed: str = ""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a strategy may look at: all of it, and nothing else.

    Attributes:
        rollout: where it stands.
        slots: how far each slot of the endpoint is, by slot id.
        adopted: whether every live replica answers with the endpoint's present route.
        findings: what the evidence says.
        requests, labels: of the candidate, in this rollout.
        rate, label_rate: requests of the candidate, and labels, per second, at present.
        wish: what a person asked for, not carried out yet.
    """

    rollout: Rollout
    slots: Mapping[str, SlotSight] = {}
    adopted: bool = False
    findings: tuple[Finding, ...] = ()
    requests: int = 0
    labels: int = 0
    rate: float = 0.0
    label_rate: float = 0.0
    wish: Wish | None = None


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Load the slots; route as before until they are ready.

    `idle` says that there is no replica that could load them: the time they have for it begins anew.
    """

    reason: str
    idle: bool = False


class Shift(msgspec.Struct, frozen=True, tag="shift"):
    """Give the candidate the share of step `step`, and judge it; the step it has already ends a pause."""

    step: int
    reason: str


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """Leave everything as it is. `reason` says what is waited for, and how much more of it."""

    reason: str


class Hold(msgspec.Struct, frozen=True, tag="hold"):
    """Leave the split as it is until a person says what to do."""

    reason: str
    phase: Literal["paused", "holding"] = "holding"


class Promote(msgspec.Struct, frozen=True, tag="promote"):
    """All traffic to `version`; the former one stays warm for a while."""

    version: int
    reason: str


class Rollback(msgspec.Struct, frozen=True, tag="rollback"):
    """All traffic back to the baseline."""

    reason: str


class Fail(msgspec.Struct, frozen=True, tag="fail"):
    """The candidate cannot be served: the baseline never stopped answering."""

    reason: str


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    """Nothing is left to do: the former version may be unloaded."""

    reason: str


Decision = Prepare | Shift | Wait | Hold | Promote | Rollback | Fail | Finish


class Decided(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A decision as it is kept, with what it was decided on: it can be shown a year later.

    Attributes:
        number: counts the decisions of a rollout from 1.
        at: seconds since the epoch.
        decision: what was decided.
        shares: basis points by version, as routed after it.
        findings, requests, labels: the evidence it rests on.
        by: `strategy`, or the key of the person whose wish it was.
    """

    number: int
    at: float
    decision: Decision
    shares: Mapping[int, int] = {}
    findings: tuple[Finding, ...] = ()
    requests: int = 0
    labels: int = 0
    by: str = "strategy"


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rollout as people watch it: what the API answers, and every live view shows.

    Attributes:
        rollout: where it stands.
        shares: basis points by version, as routed now.
        findings: what the evidence says now.
        requests, labels: of the candidate, in this rollout.
        rate: requests of the candidate per second, at present.
        last: the newest decision.
    """

    rollout: Rollout
    shares: Mapping[int, int] = {}
    findings: tuple[Finding, ...] = ()
    requests: int = 0
    labels: int = 0
    rate: float = 0.0
    last: Decided | None = None
