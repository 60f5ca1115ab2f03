"""A call that makes something is made once, however often it is sent (Idempotency-Key, IETF draft-07)."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response

from modelport.api.call import Call
from modelport.api.operation import Operation
from modelport.core.problem import problem
from modelport.db.idempotency import StoredAnswer
from modelport.errors import BadRequest, Conflict

_LONGEST = 255
_KEPT = frozenset({"content-type", "etag", "location"})


async def once(
    call: Call, operation: Operation, content: bytes, work: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of `work`, or the stored one when the caller has sent this before.

    `content` is what makes two requests the same, besides method, path and query. An answer that shows a
    secret is not stored: who repeats such a call is told that it was carried out (`Conflict`, `shown-once`).
    """
    name = call.headers.get("idempotency-key")
    if name is None or operation.method != "POST":
        return await work()
    caller, store = _caller(call), call.platform.idempotency
    write = call.surroundings.threads.write
    stored = await write(partial(store.begin, caller, _checked(name), _fingerprint(call, content)))
    if stored is not None:
        return Response(stored.body, stored.status, {**dict(stored.headers), "idempotency-replayed": "true"})
    try:
        response = await work()
    except BaseException:
        await write(partial(store.abandon, caller, name))
        raise
    answer = _shown_once(call) if operation.secret else _answer(response)
    await write(partial(store.finish, caller, name, answer))
    return response


def _answer(response: Response) -> StoredAnswer:
    headers = tuple((name, value) for name, value in response.headers.items() if name in _KEPT)
    return StoredAnswer(response.status_code, headers, bytes(response.body))


def _shown_once(call: Call) -> StoredAnswer:
    error = Conflict(
        "this was made by the first of these requests, and is shown only once",
        code="shown-once",
        hint="make another one, and revoke the first",
    )
    status, body = problem(error, call.request_id)
    return StoredAnswer(status, (("content-type", "application/problem+json"),), body)


def _caller(call: Call) -> str:
    return call.key.entry.id if call.key else f"address:{call.address}"


def _checked(name: str) -> str:
    if 0 < len(name) <= _LONGEST and name.isprintable() and name.isascii():
        return name
    msg = "Idempotency-Key is empty, too long or not printable ASCII"
    raise BadRequest(msg, code="bad-header", hint="send a UUID, another for each thing to be made")


def _fingerprint(call: Call, content: bytes) -> str:
    scope = call.request.scope
    asked = b"\n".join((scope["method"].encode(), scope["path"].encode(), scope["query_string"], content))
    return hashlib.sha256(asked).hexdigest()
