"""One request and one reply as plain values: what the core says to a transport, and hears from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Progress = Callable[[int, int], None]
"""Told the bytes that went, and how many there are."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as the body of a request: read in parts while it is sent, never held as a whole."""

    path: Path
    progress: Progress | None = None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size

    def parts(self) -> Iterator[bytes]:
        """The file, part by part."""
        size, sent = self.size, 0
        with self.path.open("rb") as file:
            while part := file.read(_PART):
                yield part
                sent += len(part)
                if self.progress is not None:
                    self.progress(sent, size)

    async def later(self) -> AsyncIterator[bytes]:
        """As `parts`; the disk is read in a thread."""
        parts = self.parts()
        while part := await asyncio.to_thread(next, parts, b""):
            yield part


_PART = 1 << 18


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
    body: bytes | Upload = b""
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
