"""One request and one reply as plain values: what the core says to a transport, and hears from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One request, typed by what its answer becomes.

    Attributes:
        parse: turns a reply with a status below 400 into the answer.
        repeatable: may be sent again after a failure. Probes are not: their failure is the answer.
    """

    method: str
    path: str
    parse: Callable[[Reply], T_co]
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Send:
    """Send `call` with these extra headers; give up after `timeout` seconds (None: wait for ever)."""

    call: Call[object]
    headers: Mapping[str, str]
    timeout: float | None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection was refused, reset or closed.

    Attributes:
        reason: for people.
        begun: part of an answer had already come.
    """

    reason: str
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """The timeout of a `Send` passed."""


Step = Send | Sleep
Outcome = Reply | Lost | Late | None
"""What a transport hands back for a step; None after a `Sleep`."""
