"""One request on its way through the engine.

Calls are answered by a method, not by awaiting a future: at 30,000 requests a second a task and a future
per request cost a third of the time there is (docs/decisions/0003-calls-not-coroutines.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelport.errors import ModelportError
from modelport.runtimes.batch import Batch

if TYPE_CHECKING:
    from modelport.serving.results import Results
    from modelport.serving.table import LiveSlot

NEVER = float("inf")

INTERACTIVE, BATCH, SHADOW = range(3)
"""Priorities: somebody waits; somebody waits who can wait longer; nobody waits."""


class Call:
    """What a codec hands to the engine. Owned by the event loop; used once.

    A codec subclasses it and says how an answer or an error goes back. Exactly one of `answered` and
    `failed` is called, on the event loop, unless `cancelled` was set before.

    Attributes:
        slot: who answers.
        batch, rows: the decoded input.
        id: the prediction id of the request.
        received: monotonic seconds at the last byte received.
        deadline: monotonic seconds after which the answer is worthless.
        protocol: index into `shared.PROTOCOLS`.
        priority: INTERACTIVE, BATCH or SHADOW; under load the later ones are refused first.
        partial: rows fail one by one instead of failing the request.
        cancelled: the caller has left.
        queued: monotonic seconds when it was queued.
        status: what was answered, once it was.
        key: what its answer is to be remembered under; empty when it is not.
        trial: how it ends is evidence about its slot (`core.evidence`).
        user: whom the caller named as its user; empty when nobody.
        uncut: its texts are still to be cut, by `shorten`, because the model that says where was not there.
    """

    __slots__ = (
        "batch", "cancelled", "deadline", "id", "key", "partial", "priority", "protocol",
        "queued", "received", "rows", "slot", "status", "trial", "uncut", "user",
    )  # fmt: skip

    def __init__(
        self,
        slot: LiveSlot,
        batch: Batch,
        *,
        id: str,  # noqa: A002
        received: float,
        protocol: int,
    ) -> None:
        self.slot = slot
        self.batch = batch
        self.rows = batch.rows
        self.id = id
        self.received = received
        self.protocol = protocol
        self.deadline = NEVER
        self.partial = False
        self.priority = INTERACTIVE
        self.cancelled = False
        self.queued = 0.0
        self.status = 0
        self.key = b""
        self.trial = False
        self.uncut = False
        self.user = ""

    @property
    def directives(self) -> bytes:
        """The caller's `Cache-Control` (RFC 9111)."""
        return b""

    def repeated(self) -> None:
        """The answer that follows was given before: say so beside it."""

    def shorten(self) -> None:
        """Cut the texts of `batch` to what the model reads. Raises `InvalidInput`."""

    def answered(self, results: Results, start: int) -> int:
        """Rows `start` to `start + rows` of `results` are the answer. Returns the status sent."""
        raise NotImplementedError

    def failed(self, error: ModelportError) -> int:
        """There is no answer. Returns the status sent."""
        raise NotImplementedError
