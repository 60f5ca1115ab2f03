"""What connections need of the server around them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from modelport.serving.http.exchange import Exchange
from modelport.serving.settings import Limits

if TYPE_CHECKING:
    from modelport.serving.http.protocol import Connection


class Server(Protocol):
    """Of one event loop; `front.Front` is one.

    Attributes:
        limits: how much of anything a peer may send, and how slowly.
        connections: those that are open.
        now: monotonic seconds, as of the last beat.
        closing: whether this worker drains, so that connections close with their answers.
        lean: whether they close to give up memory.
        access_log: whether every answer is logged.
    """

    limits: Limits
    connections: set[Connection]
    now: float
    closing: bool
    lean: bool
    access_log: bool

    def handle(self, exchange: Exchange) -> None:
        """Answer a request, now or later."""

    def log(self, exchange: Exchange) -> None:
        """Note an answer."""

    def aside(self, work: Callable[[], bytes], then: Callable[[Future[bytes]], None]) -> None:
        """Do work in a thread; `then` runs on the loop."""

    def rejected(self, status: int) -> None:
        """Count a request that could not be framed."""

    def full(self) -> bool:
        """Whether there is no room for another connection."""
        ...
