"""The control API as one ASGI application over a platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from modelport import __version__
from modelport.api.boards import Boards
from modelport.api.counters import Counters
from modelport.api.door import Door
from modelport.api.endpoint import endpoint
from modelport.api.front import Front
from modelport.api.operation import Noun
from modelport.api.ports import Platform
from modelport.api.refusals import Refusals
from modelport.api.routes import NOUNS
from modelport.api.settings import Settings
from modelport.api.surroundings import Surroundings
from modelport.api.threads import Threads
from modelport.api.throttle import Throttle


def app(platform: Platform, settings: Settings | None = None) -> Front:
    """The application; `platform` must outlive it. Runs in one event loop, its work in threads."""
    settings = settings or Settings()
    throttle, threads = Throttle(), Threads()
    surroundings = Surroundings(
        platform,
        settings,
        Boards(),
        Counters(),
        Refusals(platform.journal, platform.clock, threads),
        throttle,
        threads,
    )
    api = FastAPI(
        title="Modelport",
        version=__version__,
        openapi_url=None,  # ours is made of the table, see `openapi`
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # nothing is admitted under one path and carried out at another
        lifespan=lambda _: _watching(surroundings),
    )
    for noun in NOUNS:
        api.include_router(_router(noun))
    operations = [operation for noun in NOUNS for operation in noun.operations]
    return Front(api, operations, Door(platform, settings, throttle, threads), surroundings)


def _router(noun: Noun) -> APIRouter:
    router = APIRouter(tags=[noun.name])
    for operation in noun.operations:
        router.add_api_route(
            operation.path,
            endpoint(operation),
            methods=[operation.method],
            name=operation.name,
            response_model=None,
        )
    return router


@asynccontextmanager
async def _watching(surroundings: Surroundings) -> AsyncIterator[None]:
    """Long polls wake when something is published here, from whatever thread."""
    loop, boards = asyncio.get_running_loop(), surroundings.boards

    def heard() -> None:
        loop.call_soon_threadsafe(boards.ring)

    stop = surroundings.platform.fleet.on_change(heard)
    try:
        yield
    finally:
        stop()
        await boards.end()
