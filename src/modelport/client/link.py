"""A blocking connection to one server: does what `exchange` says, and streams what is too large to hold."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

import httpx

from modelport.client import problems, wire
from modelport.client.calls import Call, Outcome, Send, Sleep, Step
from modelport.client.exchange import Terms, exchange
from modelport.client.retry import Budget, Retries

T = TypeVar("T")


class Link:
    """Thread-safe; keeps connections open until closed. The arguments are those of `Client`."""

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
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        address = wire.address(url)
        self._http = httpx.Client(
            base_url=address,
            verify=wire.trust(address, verify, cert),
            headers=wire.standing_headers(key, priority),
            limits=wire.LIMITS,
            transport=transport,
        )
        self._terms = Terms(timeout, retries, Budget(retries), clock, uniform)
        self._sleep = sleep

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def pause(self, seconds: float) -> None:
        """Wait, as between two attempts."""
        self._sleep(seconds)

    def run(self, call: Call[T], deadline: float | None = None) -> T:
        """The answer of a call, or its typed error."""
        steps = exchange(call, self._terms.within(deadline))
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                answer: T = done.value
                return answer
            outcome = self._perform(step)

    @contextmanager
    def stream(self, call: Call[object], quiet: float | None = None) -> Iterator[httpx.Response]:
        """An answer that is read as it comes, at most `quiet` seconds between two parts; not repeated."""
        try:
            request = wire.request(self._http, Send(call, {}, quiet))
            with closing(self._http.send(request, stream=True)) as response:
                if response.status_code >= 400:
                    raise problems.error_from(wire.reply(response, response.read()))
                yield response
        except httpx.RequestError as error:
            raise wire.broken_off(error) from error

    def _perform(self, step: Step) -> Outcome:
        match step:
            case Sleep(seconds):
                self._sleep(seconds)
                return None
            case Send():
                return self._send(step)

    def _send(self, step: Send) -> Outcome:
        until = None if step.timeout is None else self._terms.clock() + step.timeout
        begun = False
        try:
            response = self._http.send(wire.request(self._http, step), stream=True)
            begun = True
            with closing(response):
                return wire.reply(response, self._body(response, until))
        except httpx.RequestError as error:
            return wire.outcome_of(error, begun=begun)

    def _body(self, response: httpx.Response, until: float | None) -> bytes:
        """The whole body; a server that drips it is cut off at `until`."""
        parts = []
        for part in response.iter_bytes():
            parts.append(part)
            if until is not None and self._terms.clock() > until:
                msg = "the answer drips in too slowly"
                raise httpx.ReadTimeout(msg)
        return b"".join(parts)
