"""The supervisor is the replica: it binds the sockets, keeps the workers, and brings them plans and keys.

It answers no request and loads no model: it imports no numpy, no ONNX Runtime and no HTTP, so nothing that
a caller or a bundle does reaches it, and it starts in the time it takes to import asyncio.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

import msgspec

from modelport.core.access import AccessSnapshot
from modelport.core.plan import ServingPlan
from modelport.errors import ModelportError
from modelport.serving import shared
from modelport.serving.checks import is_loopback
from modelport.serving.hosts.board import Board
from modelport.serving.hosts.house import House
from modelport.serving.log import note
from modelport.serving.plans.source import PlanSource
from modelport.serving.replica import activation, sockets, workers
from modelport.serving.replica.conductor import Conductor
from modelport.serving.replica.crew import Crew
from modelport.serving.replica.opening import Opening, opened
from modelport.serving.replica.processes import worker_count
from modelport.serving.replica.recycling import Terms
from modelport.serving.replica.takeover import Handover
from modelport.serving.settings import Settings
from modelport.serving.tls import certificates

T = TypeVar("T")

FAST_EXIT = 128
"""Exit code after a second signal, plus its number, as shells count."""


class AccessSource(Protocol):
    """Brings access snapshots to a replica, as `PlanSource` brings plans."""

    def snapshots(self) -> AsyncIterator[AccessSnapshot]:
        """The snapshot there is, then each newer one."""

    def reload(self) -> None:
        """Look again now (SIGHUP)."""


class Membership(Protocol):
    """A fleet that the replica is a member of (`fleet.member.Member`)."""

    def join(self, conductor: Conductor) -> None:
        """Before any keys or plan are taken."""

    async def report(self, conductor: Conductor, segment: shared.Segment, url: str) -> None:
        """Tell how the replica fares, for ever."""


class Supervisor:
    """One replica, run once.

    Args:
        settings: checked settings.
        plans: where plans come from.
        access: where keys come from; None answers everyone.
        member: of which fleet it is; None for a replica of its own.
        say: told one line for people once the first plan is served.
        module: the worker's module.
    """

    def __init__(
        self,
        settings: Settings,
        plans: PlanSource,
        access: AccessSource | None = None,
        *,
        member: Membership | None = None,
        say: Callable[[str], None] = lambda _: None,
        module: str = workers.MODULE,
    ) -> None:
        self._settings = settings
        self._plans = plans
        self._access = access
        self._member = member
        self._say = say
        self._module = module
        self._certificates = certificates.of(settings)
        self._handover: Handover | None = None
        self._signals: asyncio.Queue[int] = asyncio.Queue()

    async def run(self) -> int:
        """Serve until a signal says to stop; 0 after a drain, 128 + its number after a second signal.

        Raises `ModelportError` when it cannot listen, or the first plan cannot be served as a whole: a
        replica that starts badly says so by not starting. Later plans never stop it.
        """
        settings = self._settings
        opening = opened(settings, worker_count(settings))
        listening = opening.listening
        note("listening", url=self._url(listening[0]), workers=len(listening))
        if self._certificates is None and not is_loopback(settings.host):
            note(
                "unencrypted",
                logging.WARNING,
                hint="--tls-cert and --tls-key, or TLS in front of this server",
            )
        # As many spare rows as workers: all of them may stall, and be replaced, at the same time.
        segment = shared.Segment.create(2 * len(listening))
        board = Board.create()
        conductor = Conductor(segment, patient=self._member is not None)
        crew = Crew(
            listening,
            segment,
            msgspec.json.encode(settings),
            conductor,
            terms=self._terms,
            drain_seconds=settings.drain_seconds,
            waits=opening.predecessor is not None,
            module=self._module,
            board=board.fd,
        )
        house = House(settings, board, crew.tell)
        conductor.workers = lambda: crew.live
        self._handover = (
            Handover(Path(settings.takeover), lambda: crew.listening) if settings.takeover else None
        )
        conductor.hosts = house
        crew.places = conductor.places
        with self._handled():
            crew.start()  # while they import what they need, the plan is made
            try:
                return await self._until_signal(conductor, crew, house, opening)
            finally:
                await house.end()

    async def _until_signal(self, conductor: Conductor, crew: Crew, house: House, opening: Opening) -> int:
        work = asyncio.create_task(self._conduct(conductor, opening))
        stop = asyncio.create_task(self._signals.get())
        taken = asyncio.create_task(self._handover.done.wait() if self._handover else asyncio.Event().wait())
        ends: list[asyncio.Future[Any]] = [work, stop, taken, crew.broken, house.broken]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if self._handover is not None:
            self._handover.close()
        if stop.done() or taken.done():
            await _cancelled(work)
            return await self._leave(crew, 0.0 if taken.done() else self._settings.drain_delay)
        broken = next(end for end in ends if end.done())
        await crew.kill()
        await _cancelled(stop)
        await _cancelled(taken)
        return broken.result()  # type: ignore[no-any-return]  # it raises: none of these ever ends well

    async def _conduct(self, conductor: Conductor, opening: Opening) -> NoReturn:
        """Credentials and keys before the first plan: nobody is answered before it is known how."""
        secured = self._certificates.credentials() if self._certificates else None
        if secured:
            conductor.secure(await anext(secured))
        if self._member is not None:
            self._member.join(conductor)
        snapshots = self._access.snapshots() if self._access else None
        conductor.allow(await anext(snapshots) if snapshots else None)
        plans = self._plans.plans()
        following: list[Coroutine[Any, Any, None]] = []
        if self._member is None:
            plan = await anext(plans)
            conductor.take(plan)
            await self._settled(conductor, opening)
        else:
            # Newer plans are followed while the first is not settled, or a bad one could not be taken back.
            following.append(
                self._member.report(conductor, conductor.segment, self._url(opening.listening[0]))
            )
            following.append(self._settled(conductor, opening))
        following.append(_follow(plans, conductor.take))
        if snapshots:
            following.append(_follow(snapshots, conductor.allow))
        if secured:
            following.append(_follow(secured, conductor.secure))
        if self._handover:
            following.append(self._handover.run())
        await asyncio.gather(*following)
        msg = "a source of plans or keys ended"
        raise RuntimeError(msg)

    async def _settled(self, conductor: Conductor, opening: Opening) -> None:
        """Once the first plan is served: relieve who answered before, and say so."""
        await conductor.first
        if opening.predecessor is not None:
            await conductor.opened()
            opening.predecessor.relieve()
        assert conductor.state.wanted is not None
        self._announce(conductor.state.wanted, opening.listening)

    def _announce(self, plan: ServingPlan, listening: Sequence[socket.socket]) -> None:
        names = [share.slot for endpoint in plan.endpoints for share in endpoint.route.shares if share.weight]
        count = f"{len(listening)} worker{'s' if len(listening) > 1 else ''}"
        note("serving", revision=str(plan.revision), slots=names)
        activation.tell("READY=1")
        self._say(f"Serving {_some(names)} on {self._url(listening[0])} with {count}")

    def _terms(self) -> Terms:
        """How long the next worker serves."""
        settings = self._settings
        jitter = random.randint(0, settings.max_requests_jitter)  # noqa: S311 - no secret
        requests = settings.max_requests + jitter if settings.max_requests else 0
        return Terms(requests, settings.max_worker_memory)

    def _url(self, listening: socket.socket) -> str:
        return sockets.url(listening, secured=self._certificates is not None)

    async def _leave(self, crew: Crew, delay: float) -> int:
        """Drain; a second signal ends it at once."""
        seconds = self._settings.drain_seconds
        note("draining", delay=delay, seconds=seconds)
        activation.tell("STOPPING=1")
        drained = asyncio.create_task(crew.drain(delay, seconds))
        again = asyncio.create_task(self._signals.get())
        await asyncio.wait({drained, again}, return_when=asyncio.FIRST_COMPLETED)
        if drained.done():
            await _cancelled(again)
            note("stopped", killed=drained.result())
            return 0
        await _cancelled(drained)
        note("stopped", logging.WARNING, killed=await crew.kill())
        return FAST_EXIT + again.result()

    def _reload(self) -> None:
        note("reloading")
        self._plans.reload()
        if self._access:
            self._access.reload()
        if self._certificates:
            self._certificates.reload()

    @contextmanager
    def _handled(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signals.put_nowait, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)


async def _follow(items: AsyncIterator[T], take: Callable[[T], None]) -> None:
    """Take each item; one that is refused keeps what there was."""
    async for item in items:
        try:
            take(item)
        except ModelportError as error:
            note("plan refused", logging.ERROR, reason=error.message, hint=error.hint)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _some(names: Sequence[str], most: int = 8) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    shown = ", ".join(names[:most]) or "nothing"
    return f"{shown} and {more} more" if more > 0 else shown
