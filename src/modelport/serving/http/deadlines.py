"""Reading deadlines from headers."""

from __future__ import annotations

import re

from modelport.errors import BadRequest

_SPAN = re.compile(rb"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s)?")


def seconds(headers: dict[bytes, bytes]) -> float:
    """The caller's time-out in seconds; raises `BadRequest` when it cannot be read."""
    text = headers.get(b"request-timeout-ms")
    unit = b"ms"
    if text is None:
        text, unit = headers[b"x-request-timeout"], b"s"
    found = _SPAN.fullmatch(text.strip())
    if not found:
        msg = "the request time-out cannot be read"
        raise BadRequest(msg, code="bad-timeout", hint="request-timeout-ms: 50, or x-request-timeout: 0.05")
    return float(found[1]) * (0.001 if (found[2] or unit) == b"ms" else 1.0)
