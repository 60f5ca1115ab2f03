"""From a problem document (RFC 9457) to the error tree of `modelport.errors`."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import msgspec

from modelport import errors
from modelport.client.calls import Reply
from modelport.core.ready import ready
from modelport.errors import ModelportError, Overloaded, RateLimited

_CLASSES: tuple[type[ModelportError], ...] = (
    errors.BadRequest,
    errors.UnsupportedMedia,
    errors.TooLarge,
    errors.InvalidInput,
    errors.NameInvalid,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.NotFound,
    errors.MethodNotAllowed,
    errors.RequestTimeout,
    errors.Conflict,
    errors.PreconditionFailed,
    errors.PreconditionRequired,
    errors.Misdirected,
    errors.RateLimited,
    errors.ModelFailed,
    errors.Overloaded,
    errors.DeadlineExceeded,
    errors.DiskFull,
    errors.StorageError,
    errors.StorageDamaged,
    errors.StorageDamaged,
    errors.DecisionRefused,
)
_BY_CODE = {cls.code: cls for cls in _CLASSES}
_BY_STATUS = {cls.status: cls for cls in reversed(_CLASSES)}


class Place(msgspec.Struct, frozen=True):
    """One offending place of a document."""

    pointer: str = ""
    message: str = ""


class Problem(msgspec.Struct, frozen=True):
    """The members of a problem document that the client reads."""

    detail: str = ""
    title: str = ""
    status: int = 0
    code: str = ""
    hint: str = ""
    pointer: str = ""
    request_id: str = ""
    errors: tuple[Place, ...] = ()


def error_from(reply: Reply) -> ModelportError:
    """The typed error of a reply with a status of 400 or more."""
    problem = read(_document(reply.body))
    return error_of(problem, reply.status, retry_after(reply))


def error_of(problem: Problem, status: int, wait: float | None = None) -> ModelportError:
    """The class is chosen by `code`, else by status; `code` itself is kept as the server wrote it."""
    cls = _BY_CODE.get(problem.code) or _BY_STATUS.get(status, ModelportError)
    error = _made(cls, problem, status, 1.0 if wait is None else wait)
    for place in problem.errors:
        if place.message not in problem.detail:  # faults of a text are told in full, each with its line
            error.add_note(f"{place.pointer}: {place.message}")
    if problem.request_id:
        error.add_note(f"request id: {problem.request_id}")
    return error


def read(document: object) -> Problem:
    """A problem from decoded JSON; what does not fit is left out rather than hiding the failure itself."""
    try:
        problem = msgspec.convert(document, ready(Problem))
    except msgspec.ValidationError:
        problem = Problem()
    return problem if problem.detail else msgspec.structs.replace(problem, detail=_text(document))


def retry_after(reply: Reply) -> float | None:
    """Seconds to wait as the server asks; a date is read against the reply's own `date`, not our clock."""
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        return _seconds_between(reply.headers.get("date", ""), text)


def _made(cls: type[ModelportError], problem: Problem, status: int, wait: float) -> ModelportError:
    message = problem.detail or problem.title or f"the server answered {status}"
    if issubclass(cls, RateLimited | Overloaded):
        return cls(message, retry_after=wait, code=problem.code, hint=problem.hint)
    pointer = problem.pointer or (problem.errors[0].pointer if problem.errors else "")
    return cls(message, code=problem.code, hint=problem.hint, pointer=pointer)


def _document(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _text(document: object) -> str:
    """The `error` member, for servers that speak only Open Inference."""
    text = document.get("error") if isinstance(document, dict) else None
    return text if isinstance(text, str) else ""


def _seconds_between(start: str, end: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(end) - parsedate_to_datetime(start)).total_seconds())
    except (ValueError, TypeError):
        return None
