"""Rollouts: endpoints on their way from a version to another."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

import msgspec
from starlette.responses import Response

from modelport.api import answers
from modelport.api.boards import Board, Seen
from modelport.api.call import Call
from modelport.api.operation import OPERATOR, VIEWER, Noun
from modelport.api.routes.queries import Paged
from modelport.core.pages import Page
from modelport.core.rollout import ENDED, Decided, Progress, Rollout

noun = Noun("rollouts")
LATEST = "latest"
"""Stands for the id of the rollout under way, or of the last."""


@noun.operation("GET", "/deployments/{endpoint}/rollouts", VIEWER)
def list_rollouts(call: Call, endpoint: str, query: Paged) -> Page[Rollout]:
    """Rollouts of an endpoint, the newest first."""
    return call.platform.deployments.rollouts(call.project, endpoint, limit=query.limit, cursor=query.cursor)


@noun.operation("GET", "/deployments/{endpoint}/rollouts/{id}", VIEWER)
def get_rollout(call: Call, endpoint: str, id: str) -> Progress:  # noqa: A002 - the word of the contract
    """A rollout with its evidence; `latest` is the one under way, or the last."""
    return call.platform.deployments.rollout(call.project, endpoint, None if id == LATEST else id)


@noun.operation("GET", "/deployments/{endpoint}/rollouts/{id}/decisions", VIEWER)
def list_decisions(call: Call, endpoint: str, id: str, query: Paged) -> Page[Decided]:  # noqa: A002
    """Every decision of a rollout with the evidence it rests on, the first one first."""
    return call.platform.deployments.decisions(
        call.project, endpoint, id, limit=query.limit, cursor=query.cursor
    )


@noun.operation("POST", "/deployments/{endpoint}/rollout/pause", OPERATOR)
def pause_rollout(call: Call, endpoint: str) -> Progress:
    """Leave the split as it is until somebody resumes."""
    return call.platform.deployments.wish(call.author, endpoint, "pause")


@noun.operation("POST", "/deployments/{endpoint}/rollout/resume", OPERATOR)
def resume_rollout(call: Call, endpoint: str) -> Progress:
    """Go on where it was paused."""
    return call.platform.deployments.wish(call.author, endpoint, "resume")


@noun.operation("POST", "/deployments/{endpoint}/rollout/promote", OPERATOR)
def promote_rollout(call: Call, endpoint: str) -> Progress:
    """All traffic to the candidate, whatever the evidence says."""
    return call.platform.deployments.wish(call.author, endpoint, "promote")


@noun.operation("POST", "/deployments/{endpoint}/rollout/rollback", OPERATOR)
def rollback_rollout(call: Call, endpoint: str) -> Progress:
    """All traffic back to the baseline."""
    return call.platform.deployments.wish(call.author, endpoint, "rollback")


@noun.operation(
    "GET", "/deployments/{endpoint}/rollout/events", VIEWER, answer=Progress, gives="text/event-stream"
)
async def watch_rollout(call: Call, endpoint: str) -> Response:
    """The rollout now and whenever it changes, as events `rollout`, until it has ended (`end`)."""
    deployments, project = call.platform.deployments, call.project

    def look() -> Seen | None:
        if deployments.pending(project, endpoint):
            return None  # its last rollout is about what was wanted before
        progress = deployments.rollout(project, endpoint)
        body = msgspec.json.encode(progress)
        tag = hashlib.sha256(body).hexdigest()[:16]
        return Seen(tag, body, progress.rollout.phase in ENDED)

    board = call.surroundings.boards.board(("rollout", call.project, endpoint), look)
    known = call.headers.get("last-event-id")
    first = await board.after(None, 0.0)  # what is wrong is said with a status, before anything is streamed
    return answers.live(_events(call, board, first, known))


async def _events(call: Call, board: Board, seen: Seen | None, known: str | None) -> AsyncIterator[bytes]:
    heartbeat, boards = call.surroundings.settings.heartbeat, call.surroundings.boards
    while not boards.ended:
        if seen is None:
            yield answers.HEARTBEAT
        else:
            if seen.tag != known:
                yield answers.event("rollout", seen.body, seen.tag)
            if seen.last:
                yield answers.event("end", b"{}")
                return
            known = seen.tag
        seen = await board.after(known, heartbeat)
