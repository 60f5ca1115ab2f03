"""As `link`, for asyncio."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

import httpx

from modelport.client import problems, wire
from modelport.client.calls import Call, Late, Outcome, Send, Sleep, Step
from modelport.client.exchange import Terms, exchange
from modelport.client.retry import Budget, Retries

T = TypeVar("T")


class AsyncLink:
    """Used from one event loop; the arguments are those of `AsyncClient`."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float | None = 30.0,
        priority: wire.Priority | None = None,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        verify: wire.Verify = True,
        cert: wire.ClientCertificate | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        address = wire.address(url)
        self._http = httpx.AsyncClient(
            base_url=address,
            verify=wire.trust(address, verify, cert),
            headers=wire.standing_headers(key, priority),
            limits=wire.LIMITS,
            transport=transport,
        )
        self._terms = Terms(timeout, retries, Budget(retries), clock, uniform)
        self._sleep = sleep

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def pause(self, seconds: float) -> None:
        """Wait, as between two attempts."""
        await self._sleep(seconds)

    async def run(self, call: Call[T], deadline: float | None = None) -> T:
        """The answer of a call, or its typed error."""
        steps = exchange(call, self._terms.within(deadline))
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                answer: T = done.value
                return answer
            outcome = await self._perform(step)

    @asynccontextmanager
    async def stream(self, call: Call[object], quiet: float | None = None) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes, at most `quiet` seconds between two parts; not repeated."""
        try:
            request = wire.request(self._http, Send(call, {}, quiet))
            async with aclosing(await self._http.send(request, stream=True)) as response:
                if response.status_code >= 400:
                    raise problems.error_from(wire.reply(response, await response.aread()))
                yield response
        except httpx.RequestError as error:
            raise wire.broken_off(error) from error

    async def _perform(self, step: Step) -> Outcome:
        match step:
            case Sleep(seconds):
                await self._sleep(seconds)
                return None
            case Send():
                return await self._send(step)

    async def _send(self, step: Send) -> Outcome:
        begun = False
        try:
            async with asyncio.timeout(step.timeout):
                response = await self._http.send(wire.request(self._http, step), stream=True)
                begun = True
                async with aclosing(response):
                    return wire.reply(response, await response.aread())
        except TimeoutError:
            return Late()
        except httpx.RequestError as error:
            return wire.outcome_of(error, begun=begun)
