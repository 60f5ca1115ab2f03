"""What both transports share about httpx: how a step becomes its request, and its failures our outcomes."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal

import httpx

from modelport import __version__
from modelport.client import replies
from modelport.client.calls import Late, Lost, Reply, Send, Upload
from modelport.errors import Overloaded, SettingsError

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


Verify = ssl.SSLContext | str | Path | bool
"""How a server proves who it is: against the usual authorities (True), those of a PEM file, by a context of
one's own, or not at all (False), which anybody in between can use."""

ClientCertificate = tuple[str | Path, str | Path]
"""Certificate chain and private key of a client, as PEM files."""


def trust(url: httpx.URL, verify: Verify, cert: ClientCertificate | None) -> ssl.SSLContext | bool:
    """What httpx is to check; raises `SettingsError` for files that are no certificates.

    Over plain HTTP nothing is checked, and no authorities are read.
    """
    if url.scheme == "http":
        return False
    try:
        return _context(verify, cert)
    except (OSError, ValueError) as error:
        msg = "the certificates for TLS cannot be read"
        raise SettingsError(
            msg, code="tls-certificate", hint="PEM files; check `verify` and `cert`"
        ) from error


def _context(verify: Verify, cert: ClientCertificate | None) -> ssl.SSLContext | bool:
    if isinstance(verify, str | Path):
        verify = ssl.create_default_context(cafile=str(verify))
    if cert is None:
        return verify
    context = verify if isinstance(verify, ssl.SSLContext) else httpx.create_ssl_context(verify=verify)
    context.load_cert_chain(*cert)
    return context


Priority = Literal["interactive", "batch"]


def standing_headers(key: str | None, priority: Priority | None = None) -> dict[str, str]:
    """Sent with every request of a client."""
    headers = {
        "user-agent": f"modelport/{__version__}",
        "accept": "application/json, application/octet-stream",
    }
    if priority is not None:
        headers["x-modelport-priority"] = priority
    return headers if key is None else headers | {"authorization": f"Bearer {key}"}


def request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    """The httpx request of a step; no wait on a socket lasts longer than the step's timeout."""
    call = step.call
    return client.build_request(
        call.method,
        call.path,
        content=_content(client, call.body),
        headers={**call.headers, **step.headers},
        timeout=httpx.Timeout(step.timeout),
    )


def _content(
    client: httpx.Client | httpx.AsyncClient, body: bytes | Upload
) -> bytes | Iterator[bytes] | AsyncIterator[bytes] | None:
    """A file is read anew for every attempt."""
    if isinstance(body, Upload):
        return body.later() if isinstance(client, httpx.AsyncClient) else body.parts()
    return body or None


def reply(response: httpx.Response, body: bytes) -> Reply:
    """A whole answer; httpx gives header names in lower case and has undone any content coding."""
    return Reply(response.status_code, dict(response.headers), body)


def broken_off(error: httpx.RequestError) -> Overloaded:
    """A stream that ended before its end."""
    match outcome_of(error, begun=True):
        case Lost(reason=reason):
            msg = f"the server cannot be reached: {reason}"
        case _:
            msg = "the server has gone quiet"
    return Overloaded(msg, code="unreachable", hint="check that the server is up, and try again")


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
