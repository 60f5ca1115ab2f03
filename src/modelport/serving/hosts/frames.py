"""What workers and model hosts say to each other: msgpack maps with a `type`, tensors behind them.

    worker -> host    Knock(token)  Ask(id, ...)  Cancel(ids)
    host -> worker    Starting(ids)  Answer(id, ...)  Refusal(id, ...)

A worker knocks first. A host says which calls a batch runs before it runs them: when it dies, those are the
ones that may have died with it, and the others can be asked again elsewhere.
"""

from __future__ import annotations

import msgspec

from modelport.errors import (
    BadRequest,
    DeadlineExceeded,
    InvalidInput,
    ModelFailed,
    ModelportError,
    Overloaded,
)
from modelport.runtimes.wire import Heads


class Knock(msgspec.Struct, frozen=True, tag="knock"):
    """Let me in. The token is the one that the supervisor gave to both."""

    token: bytes


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """A call. Times are seconds of the machine's monotonic clock; `id` is unique on this wire.

    `most` calls may share its batch, 0 for as many as there are.
    """

    id: int
    received: float
    queued: float
    deadline: float
    partial: bool
    heads: Heads
    most: int = 0


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Nobody waits for these any more."""

    ids: list[int]


class Starting(msgspec.Struct, frozen=True, tag="starting"):
    """These are about to be run, in a batch of so many calls."""

    ids: list[int]
    together: int = 1


class Ran(msgspec.Struct, frozen=True, array_like=True):
    """A batch that was run: told once, with the first answer after it. Seconds; waiting summed over calls."""

    rows: int
    decoding: float
    waiting: float
    computing: float


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """An error on its way."""

    status: int
    code: str
    message: str
    hint: str
    retry_after: float = 1.0


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The outputs of a call's rows; those of rows in `errors` mean nothing."""

    id: int
    heads: Heads
    errors: dict[int, Fault]
    ran: list[Ran]


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """A call has no answer."""

    id: int
    fault: Fault
    ran: list[Ran]


ToHost = Knock | Ask | Cancel
ToWorker = Starting | Answer | Refusal

encode = msgspec.msgpack.Encoder().encode
to_host: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(ToHost)
to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)

_KINDS: dict[int, type[ModelportError]] = {
    kind.status: kind for kind in (BadRequest, InvalidInput, ModelFailed, DeadlineExceeded)
}


def fault_of(error: ModelportError) -> Fault:
    """An error as it travels."""
    return Fault(error.status, error.code, error.message, error.hint, getattr(error, "retry_after", 1.0))


def error_of(fault: Fault) -> ModelportError:
    """The error that travelled; one of a kind we do not know is the model's."""
    if fault.status == Overloaded.status:
        return Overloaded(fault.message, code=fault.code, hint=fault.hint, retry_after=fault.retry_after)
    kind = _KINDS.get(fault.status, ModelFailed)
    return kind(fault.message, code=fault.code, hint=fault.hint)
