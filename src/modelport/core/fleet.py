"""What a replica tells the control plane about itself: which plan it serves, how, and what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from modelport.core.evidence import Outcomes
from modelport.core.plan import Revision


class ShadowSeen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a shadow and a slot that answers said to the same requests, over the workers that run now.

    Attributes:
        endpoint, slot, against: the shadow `slot` of an endpoint, compared with the slot `against`.
        requests, rows, agreed: compared; rows with the same prediction.
        shifts, shift, largest: rows that have a distance between scores; their sum and their maximum.
        answered_seconds, shadow_seconds: what the two took for the requests, in sum.
        worst: some of the rows that differ most, as `/debug/shadow` shows them.
    """

    endpoint: str
    slot: str
    against: str
    requests: int = 0
    rows: int = 0
    agreed: int = 0
    shifts: int = 0
    shift: float = 0.0
    largest: float = 0.0
    answered_seconds: float = 0.0
    shadow_seconds: float = 0.0
    worst: tuple[Any, ...] = ()

    def plus(self, other: ShadowSeen) -> ShadowSeen:
        """Both together, with as many examples as one may have."""
        return msgspec.structs.replace(
            self,
            requests=self.requests + other.requests,
            rows=self.rows + other.rows,
            agreed=self.agreed + other.agreed,
            shifts=self.shifts + other.shifts,
            shift=self.shift + other.shift,
            largest=max(self.largest, other.largest),
            answered_seconds=self.answered_seconds + other.answered_seconds,
            shadow_seconds=self.shadow_seconds + other.shadow_seconds,
            worst=(*self.worst, *other.worst)[:EXAMPLES],
        )


EXAMPLES = 5
"""Most examples of one shadow in a report."""

SlotState = Literal["wanted", "fetching", "loading", "warming", "verified", "ready", "failed", "draining"]


class SlotStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A slot over all workers of a replica: the least far of them, and why.

    Attributes:
        state: where it stands.
        reason: why it failed or waits.
        instances: that can run a batch now, over all workers.
        limited_by: what keeps it from more instances than it has (`cores`, `memory`), or empty.
        bytes: memory that its model takes, over all workers.
    """

    state: SlotState
    reason: str = ""
    instances: int = 0
    limited_by: str = ""
    bytes: int = 0


class EndpointStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which revision an endpoint answers with, and why it cannot be the wanted one; empty while it may be."""

    revision: Revision | None
    reason: str = ""


class Trouble(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that went wrong: when (seconds since the epoch), at which slot or endpoint, and what."""

    at: float
    subject: str
    message: str


class PlanStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One report of a replica; the newest replaces what was known.

    Attributes:
        replica: its name in the fleet; stays the same when it is started again.
        incarnation: another for every start, so that its counters are told from those of its former life.
        sequence: counts its reports; an older one that arrives late is let go.
        wanted: the newest plan it took.
        access: revision of the keys it goes by.
        refused: why it refused a plan as a whole; empty when it did not.
        endpoints, slots: by endpoint and by slot id.
        counters: cumulative since it started, by slot id; of slots that it no longer has, too, until their
            last count was acknowledged.
        url: where it answers, for people.
        workers: processes that answer.
        ready: whether it should get traffic.
        troubles: the last things that went wrong, oldest first.
        shadows: what its shadows were compared on.
        spool: folder of its event spool when the control plane can read it (same machine); else empty.
        at: when it was made, by the replica's clock (seconds since the epoch); 0 where it does not say.
    """

    replica: str
    incarnation: str
    sequence: int
    wanted: Revision | None = None
    access: int = 0
    refused: str = ""
    endpoints: Mapping[str, EndpointStatus] = {}
    slots: Mapping[str, SlotStatus] = {}
    counters: Mapping[str, Outcomes] = {}
    url: str = ""
    workers: int = 0
    ready: bool = False
    troubles: tuple[Trouble, ...] = ()
    shadows: tuple[ShadowSeen, ...] = ()
    spool: str = ""
    at: float = 0.0


class Heard(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The control plane's answer to a report: the newest revisions there are."""

    plan: Revision | None
    access: int = 0
