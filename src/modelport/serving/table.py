"""What a worker serves right now: read once per request, replaced as a whole, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelport.core.manifest import Manifest, Parameters
from modelport.core.plan import BASIS_POINTS, Revision, Route, SlotSpec
from modelport.core.traffic import Splitter, draw
from modelport.errors import NotFound
from modelport.serving.cache import SlotCache
from modelport.serving.codecs.items import Items
from modelport.serving.codecs.pictures import Pictures
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.counters import SlotCounters
from modelport.serving.dispatch import Dispatcher
from modelport.serving.overload.admission import Admission
from modelport.serving.results import Meaning
from modelport.serving.sightings import Sightings


@dataclass(frozen=True, slots=True, eq=False)
class LiveSlot:
    """A slot of this worker that answers: warm, or lazy and loaded when it is asked.

    `bytes` is the memory that a pinned model takes; a lazy one's is its dispatcher's. `cache` is there when
    answers are remembered.
    """

    spec: SlotSpec
    manifest: Manifest
    identity: str
    meaning: Meaning
    parameters: Parameters
    rules: Rules
    items: Items | Pictures
    truncation: Truncation
    counters: SlotCounters
    dispatcher: Dispatcher
    place: int
    stamp: bytes
    """Response header lines that name model and version, ready to send."""
    bytes: int = 0
    admission: Admission = field(default_factory=Admission)
    cache: SlotCache | None = None

    def close(self) -> None:
        """Give up what it holds: nothing waits or runs, and no call comes any more."""
        self.dispatcher.close()
        if self.cache is not None:
            self.cache.purge()


@dataclass(frozen=True, slots=True, eq=False)
class LiveEndpoint:
    """An endpoint as it routes now."""

    name: str
    route: Route
    arms: tuple[LiveSlot, ...]
    by_version: Mapping[int, LiveSlot]
    splitter: Splitter
    revision: Revision
    stamp: bytes
    """Response header line that names the revision, ready to send."""
    sightings: Sightings = field(default_factory=Sightings)

    @property
    def slots(self) -> dict[str, LiveSlot]:
        """Every slot of its route by id, also where two hold one version (a rollout's control)."""
        return {slot.spec.id: slot for slot in (*self.arms, *self.by_version.values())}

    @property
    def splits(self) -> bool:
        """Whether it matters who asks: several slots answer, or an experiment counts who came."""
        return len(self.arms) > 1 or bool(self.route.salt)

    def arm(self, caller: str, request: str) -> tuple[LiveSlot, bool]:
        """The arm that a caller falls on, or a request that names none, and whether that is a trial of it:
        the first of this caller in this experiment, or a request that stands for itself.
        """
        drawn = draw(caller or request, self.name, self.route.salt)
        arm = self.arms[self.splitter.arm(drawn * BASIS_POINTS >> 64)]
        return arm, not caller or self.sightings.first(drawn)

    def version(self, number: int) -> LiveSlot:
        """The slot of a version; raises `NotFound`."""
        slot = self.by_version.get(number)
        if slot is None:
            msg = f"{self.name} has no version {number} here"
            raise NotFound(
                msg, code="version-not-found", hint=f"GET /v2/models/{self.name} lists the versions"
            )
        return slot


@dataclass(frozen=True, slots=True)
class Table:
    """All endpoints of a worker. `revision` is the last one committed, for any endpoint."""

    revision: Revision = field(default_factory=lambda: Revision(0, 0))
    endpoints: Mapping[str, LiveEndpoint] = field(default_factory=dict)

    def endpoint(self, name: str) -> LiveEndpoint:
        """The endpoint called `name`; raises `NotFound`."""
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            msg = f"no model {name[:100]!r} is served here"
            raise NotFound(msg, code="model-not-found", hint="GET /v2/models lists what is served")
        return endpoint

    def only(self) -> LiveEndpoint:
        """The endpoint of a server that has just one; raises `NotFound`."""
        if len(self.endpoints) == 1:
            return next(iter(self.endpoints.values()))
        msg = f"this server has {len(self.endpoints)} models, so the request must name one"
        raise NotFound(msg, code="model-not-named", hint="POST /v1/models/<model>/predict")
