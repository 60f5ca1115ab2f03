"""How the control plane itself is."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelport.api import answers
from modelport.api.call import Call
from modelport.api.operation import PUBLIC, VIEWER, Needs, Noun
from modelport.errors import Overloaded

noun = Noun("system")


@noun.operation("GET", "/live", PUBLIC, prefix="", answer=dict[str, str])
async def live(_: Call) -> Response:
    """200 as long as the loop turns; asks nothing else."""
    return Response(b'{"status":"live"}', 200, media_type=answers.JSON)


@noun.operation("GET", "/ready", PUBLIC, prefix="", answer=dict[str, str])
async def ready(call: Call) -> Response:
    """200 when this control plane takes requests, 503 with the reason when it does not."""
    reason = await run_in_threadpool(call.platform.not_ready)
    if reason:
        raise Overloaded(reason, code="not-ready", hint="try again in a moment")
    return Response(b'{"status":"ready"}', 200, media_type=answers.JSON)


@noun.operation("GET", "/metrics", Needs("viewer", "metrics"), prefix="", gives="text/plain; version=0.0.4")
async def read_metrics(call: Call) -> Response:
    """What the control API counts, for Prometheus."""
    surroundings = call.surroundings
    body = surroundings.counters.exposition(surroundings.boards.waiting)
    return Response(body, 200, media_type="text/plain; version=0.0.4")


@noun.operation("GET", "/openapi.json", VIEWER, answer=dict[str, Any])
async def get_openapi(_: Call) -> Response:
    """The OpenAPI 3.1 document of this API."""
    from modelport.api.openapi import written

    return Response(written(), 200, media_type=answers.JSON)
