"""Logs, the doctor, backups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

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


@noun.operation("GET", "/logs", VIEWER_ONLY, answer=tuple[LogLine, ...])
async def read_logs(call: Call, query: FindLines) -> Response:
    """Log lines by time; with `follow`, as events `line` without end."""
    if query.follow:
        return answers.live(_followed(call, query, call.headers.get("last-event-id")))
    lines = await run_in_threadpool(_lines, call, query, None)
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


def _lines(call: Call, query: FindLines, after: str | None) -> tuple[LogLine, ...]:
    logs = call.platform.logs
    return tuple(
        logs.read(call.project, service=query.service, model=query.model, since=query.since, after=after)
    )


async def _followed(call: Call, query: FindLines, after: str | None) -> AsyncIterator[bytes]:
    loop, heartbeat = asyncio.get_running_loop(), call.surroundings.settings.heartbeat
    said = loop.time()
    yield answers.HEARTBEAT
    while not call.surroundings.boards.ended:
        for line in await run_in_threadpool(_lines, call, query, after):
            yield answers.event("line", msgspec.json.encode(line), line.place)
            after, said = line.place, loop.time()
        if loop.time() - said >= heartbeat:
            yield answers.HEARTBEAT
            said = loop.time()
        await asyncio.sleep(_PAUSE)
