"""Brings a worker to what its plan wants: prepare beside what is served, commit by replacing the table."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Protocol

from modelport.core.contract import contract_digest
from modelport.core.plan import EndpointSpec, Revision, ServingPlan, SlotSpec
from modelport.core.traffic import Splitter
from modelport.errors import ModelportError
from modelport.serving import lifecycle
from modelport.serving.loader import Hosted, Verified, Warm, load, verify
from modelport.serving.log import trouble
from modelport.serving.memory import give_back
from modelport.serving.replica.messages import (
    Commit,
    Committed,
    Prepare,
    Prepared,
    SlotReport,
    SlotState,
    Upward,
)
from modelport.serving.settings import Settings
from modelport.serving.sightings import Sightings
from modelport.serving.table import LiveEndpoint, LiveSlot, Table

Bundle = Warm | Verified | Hosted
Assemble = Callable[[SlotSpec, Bundle, int], Awaitable[LiveSlot]]
"""Builds a slot; one that a model host answers is there once its host is ready."""

_BETWEEN = 0.1
"""Seconds between two reports while slots load."""

_AFTER = 1.0
"""Seconds after which nothing that is under way can hold a slot that was let go."""


class Mirrors(Protocol):
    """Who repeats calls at shadows: `shadow.Shadows`."""

    def arms(
        self, spec: EndpointSpec, arms: tuple[LiveSlot, ...], slots: Iterable[LiveSlot]
    ) -> tuple[LiveSlot, ...]:
        """The arms of an endpoint, with these slots as its shadows."""

    def keep(self, endpoints: Iterable[str]) -> None:
        """Forget the shadows of all other endpoints."""


class Manager:
    """Owned by the event loop. One plan is prepared at a time; a newer one takes its place."""

    def __init__(
        self,
        settings: Settings,
        assemble: Assemble,
        executor: Executor,
        tell: Callable[[Upward], None],
        mirrors: Mirrors | None = None,
    ) -> None:
        self._settings = settings
        self._assemble = assemble
        self._executor = executor
        self._tell = tell
        self._mirrors = mirrors
        self._plans: dict[Revision, ServingPlan] = {}
        self._wanted: ServingPlan | None = None
        self._slots: dict[str, LiveSlot] = {}
        self._retiring: list[LiveSlot] = []
        self._failed: dict[str, tuple[SlotSpec, str]] = {}
        self._loading: str | None = None
        self._warming: set[str] = set()
        self._missing: Mapping[str, str] = {}
        self._fetched = asyncio.Event()
        self._one = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._said = 0.0
        self._saying: asyncio.TimerHandle | None = None
        self.table = Table()
        self.settled = asyncio.Event()
        """Set once there is something to answer with, or it is known that there is not."""

    @property
    def plan(self) -> ServingPlan | None:
        """The newest plan asked for."""
        return self._wanted

    @property
    def live(self) -> list[LiveSlot]:
        """Every slot that may still hold calls."""
        return [*self._slots.values(), *self._retiring]

    def slot(self, name: str) -> LiveSlot | None:
        """The slot of that id, if it is there."""
        return self._slots.get(name)

    def pinned_bytes(self) -> int:
        """Memory of the models that are never let go."""
        return sum(slot.bytes for slot in self.live)

    @property
    def unready(self) -> str:
        """Why this worker should get no traffic yet; empty when it should."""
        if self._wanted is None or not self.table.endpoints:
            return "no plan is in effect yet"
        return ""

    def prepare(self, message: Prepare) -> None:
        """Make a plan ready; `Prepared` goes up with every change of state."""
        self._wanted = message.plan
        self._plans[message.plan.revision] = message.plan
        self._failed = {}
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._bring(message))

    def missing(self, paths: Mapping[str, str]) -> None:
        """Bundles that are not here yet, and why: their slots wait, and load when they are."""
        self._missing = paths
        fetched, self._fetched = self._fetched, asyncio.Event()
        fetched.set()
        self._say_soon()

    def commit(self, message: Commit) -> None:
        """Switch endpoints; those the newest plan does not have go."""
        plan = self._plans.get(message.revision)
        if plan is None:
            return
        specs = {endpoint.name: endpoint for endpoint in plan.endpoints}
        wanted = {endpoint.name for endpoint in (self._wanted or plan).endpoints}
        endpoints = {
            name: live for name, live in self.table.endpoints.items() if name in wanted or name in specs
        }
        for name in message.endpoints:
            endpoints[name] = self._endpoint(specs[name], message.revision)
        for name in [name for name in endpoints if name not in wanted and name not in message.endpoints]:
            del endpoints[name]
        self.table = Table(max(self.table.revision, message.revision), endpoints)
        if self._mirrors:
            self._mirrors.keep(endpoints)
        self._retire()
        self.settled.set()
        self._tell(Committed(message.revision, message.endpoints))

    def report(self) -> dict[str, SlotReport]:
        """State of every slot the wanted plan names."""
        slots = self._wanted.slots if self._wanted else ()
        return {spec.id: self._report(spec) for spec in slots}

    def _report(self, spec: SlotSpec) -> SlotReport:
        live = self._slots.get(spec.id)
        if live is not None and lifecycle.same(live.spec, spec):
            state: SlotState = "ready" if spec.pinned else "verified"
            return SlotReport(state, contract=contract_digest(live.manifest), identity=live.identity)
        if spec.bundle in self._missing:
            reason = self._missing[spec.bundle]
            return SlotReport("failed" if reason else "fetching", reason)
        if spec.id in self._failed:
            return SlotReport("failed", reason=self._failed[spec.id][1])
        if spec.id in self._warming:
            return SlotReport("warming")
        return SlotReport("loading" if self._loading == spec.id else "wanted")

    async def _bring(self, message: Prepare) -> None:
        loaded = {slot_id: slot.spec for slot_id, slot in self._slots.items()}
        failed = [spec for spec, _ in self._failed.values()]
        self._say()
        steps = lifecycle.next_actions(message.plan, loaded, failed, self._routed())
        loads = [step.slot for step in steps if step.action == "load"]
        await asyncio.gather(*(self._load(spec, message.places[spec.id]) for spec in loads))
        self._say()
        self._retire()
        if self._failed or not message.plan.endpoints:
            self.settled.set()

    async def _load(self, spec: SlotSpec, place: int) -> None:
        while spec.bundle in self._missing:
            await self._fetched.wait()
        try:
            bundle = await self._opened(spec)
            live = await self._assembled(spec, bundle, place)
        except ModelportError as error:
            self._failed[spec.id] = (spec, str(error))
        except Exception as error:  # noqa: BLE001 - a bundle may break any library; it fails alone, with a reason
            self._failed[spec.id] = (spec, f"the runtime refused it: {type(error).__name__}")
            trouble("slot not loaded", error, slot=spec.id)
        else:
            old = self._slots.get(spec.id)
            if old is not None:
                self._retiring.append(old)
            self._slots[spec.id] = live
        self._say_soon()

    async def _opened(self, spec: SlotSpec) -> Bundle:
        """One bundle at a time, so that a worker that dies or stalls names its suspect."""
        work = self._load_now if spec.pinned else self._verify
        async with self._one:
            self._loading = spec.id
            self._say_soon()
            try:
                return await asyncio.get_running_loop().run_in_executor(self._executor, work, spec)
            finally:
                self._loading = None

    async def _assembled(self, spec: SlotSpec, bundle: Bundle, place: int) -> LiveSlot:
        """A model host takes its time to start, and holds up no other slot."""
        self._warming.add(spec.id)
        try:
            return await self._assemble(spec, bundle, place)
        finally:
            self._warming.discard(spec.id)

    def _load_now(self, spec: SlotSpec) -> Bundle:
        return load(spec, threads=self._settings.intra_op, allow_python=self._settings.allow_python)

    def _verify(self, spec: SlotSpec) -> Bundle:
        return verify(spec, allow_python=self._settings.allow_python)

    def _endpoint(self, spec: EndpointSpec, revision: Revision) -> LiveEndpoint:
        arms = tuple(self._slots[share.slot] for share in spec.route.shares)
        shadows = tuple(self._slots[it.slot] for it in spec.route.shadows if it.slot in self._slots)
        answering = tuple(arm for arm, it in zip(arms, spec.route.shares, strict=True) if it.weight)
        return LiveEndpoint(
            name=spec.name,
            route=spec.route,
            arms=self._mirrors.arms(spec, answering, shadows) if self._mirrors else answering,
            by_version={arm.spec.version: arm for arm in (*shadows, *arms)},
            splitter=Splitter([share for share in spec.route.shares if share.weight]),
            revision=revision,
            stamp=f"x-modelport-revision: {revision}\r\n".encode(),
            sightings=self._sightings(spec),
        )

    def _sightings(self, spec: EndpointSpec) -> Sightings:
        """Who was seen in the experiment that the endpoint is part of."""
        before = self.table.endpoints.get(spec.name)
        return before.sightings if before and before.route.salt == spec.route.salt else Sightings()

    def _routed(self) -> frozenset[str]:
        endpoints = self.table.endpoints.values()
        return lifecycle.routed(live.slots for live in endpoints)

    def _retire(self) -> None:
        """Let go of slots that nothing routes to and the plan does not want; calls they hold are finished."""
        wanted = {spec.id for spec in self._wanted.slots} if self._wanted else set()
        keep = wanted | self._routed()
        for slot_id in [slot_id for slot_id in self._slots if slot_id not in keep]:
            self._retiring.append(self._slots.pop(slot_id))
        self._let_go()
        revisions = {live.revision for live in self.table.endpoints.values()}
        newest = self._wanted.revision if self._wanted else None
        self._plans = {r: plan for r, plan in self._plans.items() if r in revisions or r == newest}

    def _let_go(self) -> None:
        """Forget retired slots that have answered their last call; those that have not will call here."""
        before = len(self._retiring)
        for slot in self._retiring:
            if slot.dispatcher.idle:
                slot.dispatcher.when_idle = None
                slot.close()
            else:
                slot.dispatcher.when_idle = self._let_go
        self._retiring = [slot for slot in self._retiring if not slot.dispatcher.idle]
        if len(self._retiring) < before:
            asyncio.get_running_loop().call_later(_AFTER, self._executor.submit, give_back)

    def _say_soon(self) -> None:
        """Report now, or with all else that happens until a tenth of a second after the last report.

        A report names every slot of the plan: a thousand slots that load in 3 ms each are not worth as many.
        """
        if self._saying is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._said + _BETWEEN - loop.time()
        if wait <= 0:
            self._say()
        else:
            self._saying = loop.call_later(wait, self._say)

    def _say(self) -> None:
        if self._saying is not None:
            self._saying.cancel()
            self._saying = None
        self._said = asyncio.get_running_loop().time()
        if self._wanted is not None:
            self._tell(Prepared(self._wanted.revision, self.report()))
