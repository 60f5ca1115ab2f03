"""Replicas as a control plane sees them: they follow plans and keys by the real client, and report."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import msgspec

from modelport.core.fleet import EndpointStatus, Heard, PlanStatus, SlotStatus
from modelport.core.plan import Revision
from modelport.errors import BadRequest
from modelport.serving.fleet.follow import ACCESS
from modelport.serving.fleet.followed import Followed, Kind
from modelport.serving.fleet.line import Away, ControlLine


class Named(msgspec.Struct):
    """What has a name or an id, and nothing else that matters here."""

    name: str = ""
    id: str = ""


class Plan(msgspec.Struct):
    """As much of a plan as a made-up replica reads: two hundred here would be busy with the rest."""

    revision: Revision
    slots: tuple[Named, ...]
    endpoints: tuple[Named, ...]


def _read(data: bytes) -> Plan:
    try:
        return msgspec.json.decode(data, type=Plan)
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error


PLAN = Kind("plan", _read, lambda plan: str(plan.revision), lambda new, old: new.revision > old.revision)


class Forgotten:
    """Implements what `Followed` needs of `Kept`, on no disk."""

    def read(self) -> bytes | None:
        return None

    def write(self, body: bytes) -> None:
        pass


@dataclass
class Replica:
    """One of the crowd. `adopted` is when it had each revision (monotonic seconds)."""

    name: str
    line: ControlLine
    plan: Plan | None = None
    adopted: dict[Revision, float] = field(default_factory=dict)
    sequence: int = 0
    refused: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._keys())
            tasks.create_task(self._report())

    async def _follow(self) -> None:
        async for plan in Followed(PLAN, self.line, Forgotten()).documents():  # type: ignore[arg-type]
            self.plan = plan
            self.adopted[plan.revision] = time.monotonic()
            self.changed.set()

    async def _keys(self) -> None:
        async for _ in Followed(ACCESS, self.line, Forgotten()).documents():  # type: ignore[arg-type]
            pass

    async def _report(self) -> None:
        """As `serving.fleet.reports` does: about once a second, and soon after a change."""
        await asyncio.sleep(random.random())
        while True:
            self.changed.clear()
            try:
                msgspec.json.decode(await self.line.tell(msgspec.json.encode(self._status())), type=Heard)
            except Away:
                self.refused += 1
            await asyncio.sleep(0.1)
            try:
                await asyncio.wait_for(self.changed.wait(), 0.7 + 0.4 * random.random())
            except TimeoutError:
                continue

    def _status(self) -> PlanStatus:
        self.sequence += 1
        plan = self.plan
        if plan is None:
            return PlanStatus(self.name, "one", self.sequence)
        answering = EndpointStatus(plan.revision)
        return PlanStatus(
            self.name,
            "one",
            self.sequence,
            wanted=plan.revision,
            endpoints={each.name: answering for each in plan.endpoints},
            slots={each.id: SlotStatus("ready", instances=1) for each in plan.slots},
            ready=True,
            workers=1,
        )


@asynccontextmanager
async def crowd(line: Callable[[str], ControlLine], count: int) -> AsyncIterator[list[Replica]]:
    """So many replicas at work until left. They share what takes long to make: a context for TLS."""
    trust = ssl.create_default_context()
    replicas = [Replica(name, line(name)) for name in (f"replica-{number:03}" for number in range(count))]
    for each in replicas:
        each.line._client = httpx.AsyncClient(verify=trust, trust_env=False)
    tasks = [asyncio.create_task(each.run()) for each in replicas]
    try:
        yield replicas
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(each.line.close() for each in replicas))
