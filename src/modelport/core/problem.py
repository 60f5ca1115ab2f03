"""Errors as callers see them: application/problem+json (RFC 9457), the same everywhere.

`error` repeats `detail` for clients of the Open Inference Protocol. Nothing but an error's own message, hint
and pointer gets out: an unexpected exception is `internal`, whatever it says.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelport.errors import ModelportError

TYPES = "urn:modelport:error:"
"""Before a code: a name, not an address; docs/reference/errors.md explains it."""
LONGEST = 2000
"""A message is cut here, in characters: it may quote what the caller sent."""

_UNEXPECTED = ModelportError(
    "the server failed to answer", hint="try again; give the request id to whoever runs this server"
)


class Fault(msgspec.Struct, frozen=True):
    """One offending place of a document: a JSON pointer, and what is wrong there."""

    pointer: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The document. `title` depends on the code alone, `detail` on what happened."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    error: str
    hint: str = ""
    errors: tuple[Fault, ...] = ()


def problem(error: Exception, request_id: str, faults: Sequence[Fault] = ()) -> tuple[int, bytes]:
    """Status and body for an error; `faults` are all the offending places where there are several.

    Anything but a `ModelportError` becomes 500 `internal` without its text; log it before.
    """
    known = error if isinstance(error, ModelportError) else _UNEXPECTED
    document = describe(known, request_id, faults)
    return document.status, msgspec.json.encode(document)


def describe(error: ModelportError, request_id: str, faults: Sequence[Fault] = ()) -> Problem:
    """The document of an error."""
    detail = _clean(error.message)
    places = (
        tuple(faults)
        or tuple(Fault(*fault) for fault in error.faults)
        or ((Fault(error.pointer, error.message),) if error.pointer else ())
    )
    return Problem(
        type=TYPES + error.code,
        title=error.code.replace("-", " ").capitalize(),
        status=error.status,
        detail=detail,
        code=error.code,
        request_id=_clean(request_id),
        error=detail,
        hint=_clean(error.hint),
        errors=tuple(Fault(_clean(place.pointer), _clean(place.message)) for place in places),
    )


def _clean(text: str) -> str:
    """The text, cut and without lone surrogates, which a caller may have sent and JSON cannot carry."""
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return short.encode("utf-8", "replace").decode()
