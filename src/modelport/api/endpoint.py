"""An operation as the coroutine that the router calls."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from modelport.api import answers, intake
from modelport.api.call import Call
from modelport.api.once import once
from modelport.api.operation import SAFE, Operation
from modelport.errors import ModelportError

AWAY = frozenset({"database-busy", "database-gone", "database-closed", "disk-full"})
"""Refusals of the database: it would refuse to be told of them too, after waiting as long again."""

ADMITTED = "modelport.admitted"
"""Where the door leaves who was admitted to what: (Operation, Call, parts of the path)."""

_log = logging.getLogger(__name__)


def endpoint(operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    """Carry it out for callers who were admitted to it, and to nothing else."""

    async def answer(request: Request) -> Response:
        admitted, call, parts = request.scope[ADMITTED]
        try:
            assert admitted is operation, "the router led elsewhere than the door"
            return await _carried_out(operation, call, parts)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets a problem document
            await _told(operation, call, error)
            return answers.refused(error, call.request_id)

    return answer


async def _carried_out(operation: Operation, call: Call, parts: dict[str, str]) -> Response:
    request = call.request
    arguments: dict[str, Any] = dict(parts)
    query = intake.query(request.scope["query_string"].decode("latin-1"), operation.query)
    if operation.query is not None:
        arguments["query"] = query
    if operation.waits:
        response: Response = await operation.work(call, **arguments)
        return response
    raw = b""
    if operation.method not in SAFE:
        body, raw = await intake.document(request, operation.body, call.surroundings.settings)
        if operation.body is not None:
            arguments["body"] = body

    threads = call.surroundings.threads
    doing = threads.read if operation.method in SAFE else threads.write

    async def work() -> Response:
        value = await doing(partial(operation.work, call, **arguments))
        return answers.answered(value, operation, request)

    return await once(call, operation, raw, work)


async def _told(operation: Operation, call: Call, error: Exception) -> None:
    """Unknown errors are logged whole; what was to change something and did not is told in the journal."""
    if not isinstance(error, ModelportError):
        _log.exception("%s failed", operation.name, extra={"request_id": call.request_id})
    if operation.method in SAFE or not operation.audited:
        return
    code = getattr(error, "code", "internal")
    if code in AWAY:
        return
    resource = call.request.scope["path"]
    await call.surroundings.refusals.note(call.author, operation.name, resource, code)
