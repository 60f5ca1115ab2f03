"""What a route handler may use, and how a request finds its handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from modelport.core.plan import StickyBy
from modelport.errors import BadRequest, ModelportError
from modelport.serving.call import BATCH, INTERACTIVE, NEVER
from modelport.serving.engine import Engine
from modelport.serving.http.deadlines import seconds
from modelport.serving.http.exchange import Exchange
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.table import LiveEndpoint, LiveSlot, Table


class App(Protocol):
    """One worker, as handlers see it."""

    engine: Engine
    segment: Segment
    settings: Settings

    @property
    def table(self) -> Table:
        """What is served now; replaced as a whole, so read it once per request."""
        ...

    @property
    def ready(self) -> bool:
        """Whether this replica should get traffic: every pinned slot warm, not stopping."""
        ...

    @property
    def unready_reason(self) -> str:
        """Why `ready` is false; empty when it is true."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where a path leads.

    Attributes:
        handlers: by method.
        scope: what a key needs for it; "" is public.
        endpoint: the endpoint the path names, found in the table the router read for this request; None
            for routes that name none.
        version: the version the path names, or 0.
    """

    handlers: dict[bytes, Handler]
    scope: str
    endpoint: LiveEndpoint | None = None
    version: int = 0

    def served(self) -> LiveEndpoint:
        """The endpoint; for handlers of routes that name one."""
        assert self.endpoint is not None
        return self.endpoint


Handler = Callable[[Exchange, Target], object]
"""Answers the exchange, now or later through the engine. A `ModelportError` it raises becomes the answer."""


def deadline(exchange: Exchange) -> float:
    """The caller's deadline in monotonic seconds, or `NEVER`.

    `request-timeout-ms` counts milliseconds, `x-request-timeout` seconds (or `50ms`, `2s`); both from
    the last byte received. An unreadable one raises `BadRequest`: a deadline ignored is worse than none.
    """
    headers = exchange.headers
    if b"request-timeout-ms" not in headers and b"x-request-timeout" not in headers:
        return NEVER
    return exchange.received + seconds(headers)


def priority(exchange: Exchange) -> int:
    """Whom to refuse first: `x-modelport-priority: batch` says that the caller can wait, and a key may say so
    for all who use it. Raises `BadRequest` for a priority that there is not.
    """
    named = exchange.headers.get(b"x-modelport-priority")
    if named is None:
        return exchange.priority
    if named.lower() not in _PRIORITIES:
        msg = "x-modelport-priority is none of interactive, batch"
        raise BadRequest(msg, code="bad-priority", hint="leave it out for interactive")
    return max(exchange.priority, _PRIORITIES[named.lower()])


_PRIORITIES = {b"interactive": INTERACTIVE, b"batch": BATCH}


def pick(exchange: Exchange, target: Target, user: str = "") -> LiveSlot:
    """The slot that answers: the version the path names, or the arm that the sticky key falls on.

    The key is the `x-user-id` header, else `user` (of the body), else the caller's API key where the route
    asks for that, else the request itself (CONTRACTS, 4); a route sticky by request looks at nothing else.
    A request that stands for itself, or is the first of its caller, is a trial of its slot (`core.evidence`).
    """
    endpoint = target.served()
    if target.version:
        return endpoint.version(target.version)
    if not endpoint.splits:
        slot, exchange.trial = endpoint.arms[0], True
    else:
        slot, exchange.trial = endpoint.arm(_caller(exchange, endpoint.route.sticky, user), exchange.id)
    if exchange.trial:
        slot.counters.assigned()
    return slot


def named_user(exchange: Exchange) -> str:
    """The user that the `x-user-id` header names; empty when it names none."""
    return exchange.headers.get(b"x-user-id", b"").decode("utf-8", "replace")


def _caller(exchange: Exchange, by: StickyBy, user: str) -> str:
    """Whose arm answers; empty for one that stands for itself."""
    if by == "request":
        return ""
    named = named_user(exchange) or user
    return named or (exchange.caller if by == "caller" else "")


def refuse(exchange: Exchange, slot: LiveSlot, protocol: int, error: ModelportError) -> None:
    """Answer a request that its slot cannot read: counted for the slot, whose signature it missed."""
    exchange.extra += slot.stamp
    slot.counters.refused(protocol, exchange.problem(error))
