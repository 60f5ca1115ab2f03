"""What both transports share about httpx: how a step becomes its request, and its failures our outcomes."""

from __future__ import annotations

import re

import httpx

from modelport import __version__
from modelport.client import replies
from modelport.client.calls import Late, Lost, Reply, Send
from modelport.errors import SettingsError

LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


def address(url: str) -> httpx.URL:
    """The server's address; raises `SettingsError` when it is none. A path in it is kept as a prefix."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _no_address(url) from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise _no_address(url)
    return parsed


def standing_headers(key: str | None) -> dict[str, str]:
    """Sent with every request of a client."""
    headers = {
        "user-agent": f"modelport/{__version__}",
        "accept": "application/json, application/octet-stream",
    }
    return headers if key is None else headers | {"authorization": f"Bearer {key}"}


def request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    """The httpx request of a step; no wait on a socket lasts longer than the step's timeout."""
    call = step.call
    return client.build_request(
        call.method,
        call.path,
        content=call.body or None,
        headers={**call.headers, **step.headers},
        timeout=httpx.Timeout(step.timeout),
    )


def reply(response: httpx.Response, body: bytes) -> Reply:
    """A whole answer; httpx gives header names in lower case and has undone any content coding."""
    return Reply(response.status_code, dict(response.headers), body)


_SYSTEM = re.compile(r"^\[Errno -?\d+\] ")
"""The system's number of an error, before its words."""


def outcome_of(error: httpx.RequestError, *, begun: bool) -> Lost | Late:
    """What a failure means for the exchange; `begun` says that part of an answer had come.

    Raises `ModelportError` for an answer that is no readable HTTP, and `error` itself for the rest.
    """
    match error:
        case httpx.TimeoutException():
            return Late()
        case httpx.ConnectError():
            return Lost(_SYSTEM.sub("", str(error)) or "no connection")
        case httpx.NetworkError():
            return Lost("the connection broke", begun)
        case httpx.RemoteProtocolError():
            return Lost("the server closed the connection or sent no HTTP", begun)
        case httpx.DecodingError():
            msg = "its content coding is broken"
            raise replies.bad_answer(msg) from error
        case _:
            raise error


def _no_address(url: str) -> SettingsError:
    return SettingsError(f"{url!r} is no address of a server", hint="write it as http://127.0.0.1:8000")
