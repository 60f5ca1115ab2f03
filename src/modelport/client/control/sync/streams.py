"""What comes in parts: pages of a list, events, files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from modelport.client.calls import Call, Progress
from modelport.client.control.events import Event, EventReader
from modelport.client.link import Link
from modelport.core.pages import Page
from modelport.errors import BundleCorrupt, Overloaded

T = TypeVar("T")
QUIET = 60.0
"""Seconds without a byte, heartbeats included, after which a live view is broken."""
_ATTEMPTS = 5
"""Times that a live view is opened anew without hearing anything."""
_PAUSE = 0.5


def every(link: Link, page: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
    """Everything of a list, a page asked for when it is needed."""
    cursor: str | None = None
    while True:
        found = link.run(page(cursor))
        yield from found.items
        if found.next is None:
            return
        cursor = found.next


def live(link: Link, call: Call[object]) -> Iterator[Event]:
    """Events until the server says `end`; a connection that breaks is opened anew after the last event."""
    reader, failures = EventReader(), 0
    while True:
        headers = {**call.headers, **({"last-event-id": reader.last_id} if reader.last_id else {})}
        try:
            with link.stream(replace(call, headers=headers), QUIET) as response:
                for line in response.iter_lines():
                    event = reader.line(line)
                    if event is None:
                        continue
                    failures = 0
                    if event.kind == "end":
                        return
                    yield event
        except Overloaded:
            if failures >= _ATTEMPTS:
                raise
        failures += 1
        link.pause(_PAUSE * failures)


def fetch(link: Link, call: Call[object], to: Path, progress: Progress | None) -> Path:
    """Write an answer to a file that is there only when it is whole; its digest is compared when told."""
    part = to.with_name(to.name + ".part")
    digest = hashlib.sha256()
    try:
        with link.stream(call, QUIET) as response:
            size, got = int(response.headers.get("content-length", 0)), 0
            with part.open("wb") as file:
                for data in response.iter_bytes():
                    file.write(data)
                    digest.update(data)
                    got += len(data)
                    if progress is not None:
                        progress(got, size)
            _compare(response.headers.get("x-modelport-sha256"), digest.hexdigest())
        return part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _compare(told: str | None, found: str) -> None:
    if told is not None and told != found:
        msg = "what arrived is not what was sent: its SHA-256 differs"
        raise BundleCorrupt(msg, code="digest-mismatch", hint="fetch it again")
