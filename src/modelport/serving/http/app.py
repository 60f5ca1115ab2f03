"""What a route handler may use, and how a request finds its handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from modelport.core.ids import PredictionIds
from modelport.serving.call import NEVER
from modelport.serving.engine import Engine
from modelport.serving.http.deadlines import seconds
from modelport.serving.http.exchange import Exchange
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.table import LiveEndpoint, Table


class App(Protocol):
    """One worker, as handlers see it."""

    engine: Engine
    ids: PredictionIds
    segment: Segment
    settings: Settings

    @property
    def table(self) -> Table:
        """What is served now; replaced as a whole, so read it once per request."""
        ...

    def wall_ms(self) -> int:
        """Wall clock in milliseconds since the epoch."""
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
