"""Logs, the doctor, backups."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from itertools import islice

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelport.api import answers
from modelport.api.call import Call
from modelport.api.operation import ADMIN_OF_ALL, VIEWER_ONLY, Noun
from modelport.api.routes.queries import FindLines
from modelport.core.sights import Check, LogLine

noun = Noun("operations")
_PAUSE = 0.5
"""Seconds between two looks of a live log."""
_MOST = 10_000
"""Lines that are held at a time."""


@noun.operation("GET", "/logs", VIEWER_ONLY, answer=tuple[LogLine, ...])
async def read_logs(call: Call, query: FindLines) -> Response:
    """The newest 10,000 log lines by time; with `follow`, all of them, as events `line` without end."""
    if query.follow:
        return answers.live(_followed(call, query, call.headers.get("last-event-id")))
    lines = await run_in_threadpool(lambda: tuple(deque(_lines(call, query, None), _MOST)))
    return Response(msgspec.json.encode(lines), 200, media_type=answers.JSON)


@noun.operation("GET", "/doctor", ADMIN_OF_ALL)
def examine(call: Call) -> tuple[Check, ...]:
    """Whether everything is as it should be; changes nothing."""
    return call.platform.doctor.examine()


@noun.operation("POST", "/doctor/repair", ADMIN_OF_ALL)
def repair(call: Call) -> tuple[Check, ...]:
    """Look, and mend what can be mended safely."""
    return call.platform.doctor.repair(call.author)


@noun.operation("POST", "/backup", ADMIN_OF_ALL, gives="application/x-tar")
async def backup(call: Call) -> Response:
    """All that must not be lost, as a tar archive, made while everything runs."""
    parts = await run_in_threadpool(call.platform.backup.stream)
    await run_in_threadpool(
        call.platform.journal.note, call.author, "backup", "control", result="ok", detail={}
    )
    return answers.attachment(parts, "modelport-backup.tar", "application/x-tar", {})


def _lines(call: Call, query: FindLines, after: str | None) -> Iterator[LogLine]:
    logs = call.platform.logs
    return logs.read(call.project, service=query.service, model=query.model, since=query.since, after=after)


async def _followed(call: Call, query: FindLines, after: str | None) -> AsyncIterator[bytes]:
    loop, heartbeat = asyncio.get_running_loop(), call.surroundings.settings.heartbeat
    said = loop.time()
    yield answers.HEARTBEAT
    while not call.surroundings.boards.ended:
        begin = after
        for line in await run_in_threadpool(lambda: tuple(islice(_lines(call, query, begin), _MOST))):  # noqa: B023
            yield answers.event("line", msgspec.json.encode(line), line.place)
            after, said = line.place, loop.time()
        if loop.time() - said >= heartbeat:
            yield answers.HEARTBEAT
            said = loop.time()
        await asyncio.sleep(_PAUSE)
