"""The outermost layer: names each request, admits it or refuses it, and counts it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelport.api import answers
from modelport.api.call import Call
from modelport.api.door import Door, Knock
from modelport.api.endpoint import ADMITTED
from modelport.api.operation import FREE, SAFE, Operation
from modelport.api.surroundings import Surroundings
from modelport.api.throttle import fields
from modelport.core.names import check_name
from modelport.core.roles import StoredKey
from modelport.db.journal import Author
from modelport.errors import BadRequest, MethodNotAllowed, ModelportError, NotFound, RateLimited

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_REFUSED = frozenset({401, 403, 429})


class Routes:
    """Which operation a method and a path mean."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._compiled = [(operation, compile_path(operation.path)[0]) for operation in operations]

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """The operation and the parts of its path; raises `NotFound`, `MethodNotAllowed`."""
        allowed = []
        for operation, pattern in self._compiled:
            found = pattern.match(path)
            if found is None:
                continue
            if operation.method == method:
                return operation, found.groupdict()
            allowed.append(operation.method)
        if not allowed:
            msg = "there is no such route"
            raise NotFound(msg, code="no-such-route", hint="GET /api/v1/openapi.json lists them")
        error = MethodNotAllowed(f"{method[:20]} is not possible here", hint=f"use {', '.join(allowed)}")
        error.allowed = tuple(allowed)
        raise error


@dataclass(slots=True)
class _Visit:
    """One request while it is answered."""

    scope: Scope
    request_id: str
    began: float
    headers: dict[str, str]
    operation: Operation | None = None
    key: StoredKey | None = None

    @property
    def address(self) -> str:
        client = self.scope.get("client")
        return str(client[0]) if client else ""


class Front:
    """The ASGI application that callers reach."""

    def __init__(
        self, inner: ASGIApp, operations: Iterable[Operation], door: Door, surroundings: Surroundings
    ) -> None:
        self._inner = inner
        self._routes = Routes(operations)
        self._door = door
        self._surroundings = surroundings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lifespans go through; of the rest, HTTP only."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def drain(self) -> None:
        """Let go whoever waits or watches, so that the server can end."""
        await self._surroundings.boards.end()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        visit = _Visit(scope, _made_id(), time.monotonic(), {})
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(message, visit)
            await send(message)

        try:
            parts = await self._admit(request, visit)
        except ModelportError as error:
            await self._note(visit, error)
            await answers.refused(error, visit.request_id)(scope, receive, sending)
        else:
            call = Call(request, self._surroundings, visit.key, visit.request_id, visit.address)
            scope[ADMITTED] = (visit.operation, call, parts)
            await self._inner(scope, receive, sending)
        finally:
            name = visit.operation.name if visit.operation else "unknown"
            self._surroundings.counters.answered(name, status, time.monotonic() - visit.began)

    async def _admit(self, request: Request, visit: _Visit) -> dict[str, str]:
        """Parts of the path of an admitted request."""
        visit.request_id = _request_id(request.headers.get("x-request-id"), visit.request_id)
        query = visit.scope["query_string"].decode("latin-1")
        knock = Knock(request.method, query, request.headers, visit.address)
        self._door.check_surroundings(knock)
        try:
            visit.operation, parts = self._routes.match(request.method, visit.scope["path"])
        except ModelportError:
            visit.key = await self._door.key(knock)  # strangers do not even learn which routes there are
            raise
        if visit.operation.needs.role is None:
            return parts
        visit.key = await self._door.key(knock)
        self._door.check_needs(visit.key, visit.operation, parts)
        self._limit(visit)
        for name, part in parts.items():
            if name not in FREE:
                check_name(part, name)
        return parts

    def _limit(self, visit: _Visit) -> None:
        assert visit.key is not None
        rate = visit.key.entry.rate
        if rate is None:
            return
        now = self._surroundings.platform.clock.monotonic()
        admission = self._surroundings.throttle.admit("rate", visit.key.entry.id, rate, now)
        visit.headers.update(fields(rate, admission))
        if not admission.ok:
            msg = f"this key may send {rate.quota} requests in {rate.window} s"
            raise RateLimited(msg, retry_after=admission.reset, hint="retry after the given time")

    async def _note(self, visit: _Visit, error: ModelportError) -> None:
        operation = visit.operation
        unsafe = operation is not None and operation.method not in SAFE
        if error.status not in _REFUSED and not unsafe:
            return
        key = visit.key
        who = key.entry.name if key else "nobody"
        project = key.project if key else "default"
        author = Author(who, project, visit.request_id, visit.address)
        action = operation.name if operation else "unknown"
        await self._surroundings.refusals.note(author, action, visit.scope["path"], error.code)


def _dress(message: Message, visit: _Visit) -> None:
    headers = MutableHeaders(raw=message["headers"])
    for name, value in {**answers.SAFETY, **visit.headers, "x-request-id": visit.request_id}.items():
        headers[name] = value
    message["headers"] = headers.raw


def _made_id() -> str:
    return uuid.uuid4().hex


def _request_id(given: str | None, made: str) -> str:
    if given is None:
        return made
    if _REQUEST_ID.fullmatch(given):
        return given
    msg = "X-Request-Id is empty, longer than 128 characters or not printable ASCII"
    raise BadRequest(msg, code="bad-request-id", hint="leave it out, and one is made")
