"""Fleets: what replicas follow, and what they tell."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelport.api import answers, intake
from modelport.api.boards import Seen
from modelport.api.call import Call
from modelport.api.operation import VIEWER_ONLY, Needs, Noun
from modelport.api.routes.queries import Place, Poll
from modelport.core.access import AccessSnapshot
from modelport.core.fleet import Heard, PlanStatus
from modelport.core.plan import ServingPlan
from modelport.core.sights import ReplicaSeen
from modelport.errors import BadRequest

noun = Noun("fleets")
REPLICA = Needs("admin", "replica")


@noun.operation("GET", "/fleets/{fleet}/plan", REPLICA, answer=ServingPlan)
async def poll_plan(call: Call, fleet: str, query: Poll) -> Response:
    """The newest plan; 304 when it stays `after` (its ETag) for `wait` seconds, or there is none yet."""
    platform, project = call.platform, call.project

    def look() -> Seen | None:
        plan = platform.fleet.plan(project, fleet)
        return None if plan is None else Seen(str(plan.revision), msgspec.json.encode(plan))

    return await _polled(call, ("plan", project, fleet), look, query)


@noun.operation("GET", "/fleets/{fleet}/access", REPLICA, answer=AccessSnapshot)
async def poll_access(call: Call, fleet: str, query: Poll) -> Response:
    """The keys that callers of this fleet may use; 304 as for plans."""
    platform, project = call.platform, call.project

    def look() -> Seen:
        snapshot = platform.fleet.access(project, fleet)
        return Seen(str(snapshot.revision), msgspec.json.encode(snapshot))

    return await _polled(call, ("access", project, fleet), look, query)


@noun.operation("POST", "/fleets/{fleet}/replicas/{replica}/status", REPLICA, audited=False)
def report(call: Call, fleet: str, replica: str, body: PlanStatus) -> Heard:
    """What a replica tells about itself; answers the newest revisions."""
    if body.replica != replica:
        msg = "the report is of another replica than the path"
        raise BadRequest(msg, code="bad-document", hint="use the replica's own name in both")
    return call.platform.fleet.report(call.project, fleet, body)


@noun.operation("GET", "/fleets/{fleet}/replicas", VIEWER_ONLY)
def list_replicas(call: Call, fleet: str) -> tuple[ReplicaSeen, ...]:
    """Replicas of a fleet that have reported."""
    return call.platform.fleet.replicas(call.project, fleet)


class Kept(msgspec.Struct, frozen=True):
    """How far a spool file goes now, in bytes: the next offset."""

    offset: int


@noun.operation(
    "PUT",
    "/fleets/{fleet}/replicas/{replica}/spool/{file}",
    REPLICA,
    answer=Kept,
    takes="application/octet-stream",
    audited=False,
)
async def ship_spool(call: Call, fleet: str, replica: str, file: str, query: Place) -> Response:
    """Whole frames of a replica's event spool, from `offset` on."""
    frames = await intake.octets(call.request, call.surroundings.settings)

    def keep() -> int:
        return call.platform.fleet.spool(
            call.project, fleet, replica, file, offset=query.offset, frames=frames
        )

    return Response(msgspec.json.encode(Kept(await run_in_threadpool(keep))), 200, media_type=answers.JSON)


async def _polled(
    call: Call, name: tuple[str, ...], look: Callable[[], Seen | None], query: Poll
) -> Response:
    settings = call.surroundings.settings
    known = query.after or call.headers.get("if-none-match", "").strip('"') or None
    seen = await call.surroundings.boards.board(name, look).after(
        known, min(query.wait, settings.longest_wait)
    )
    if seen is None:
        return Response(status_code=304, headers={} if known is None else {"etag": _tag(known)})
    return Response(seen.body, 200, {"etag": _tag(seen.tag)}, answers.JSON)


def _tag(text: str) -> str:
    """As an ETag; what a caller sent is given back only where it can be one."""
    return f'"{text}"' if text.isascii() and text.isprintable() and '"' not in text else '""'
