"""Every error Modelport raises, in one tree.

    ModelportError                  anything we raise on purpose: code, message, hint
    |-- BadRequest                  400  not understandable
    |   |-- UnsupportedMedia        415  wrong content type or coding
    |   |-- TooLarge                413  over a byte, row or element limit
    |   `-- InvalidInput            422  understood, but not valid for this model
    |-- Unauthenticated             401  no key, or a key we do not know
    |-- Forbidden                   403  a known key without the scope, or a foreign origin
    |-- NotFound                    404  no such model, version or route
    |-- MethodNotAllowed            405
    |-- RequestTimeout              408  the request did not arrive in time
    |-- Conflict                    409  what is there does not allow it
    |-- PreconditionFailed          412  it has changed since the caller looked
    |-- PreconditionRequired        428  say what you have looked at
    |-- Misdirected                 421  a Host we do not serve
    |-- RateLimited                 429  the caller's own limit
    |-- ModelFailed                 500  the model raised, or broke its contract
    |-- Overloaded                  503  queue full, not ready, draining, worker lost
    |-- DeadlineExceeded            504
    |-- StorageError                500  the artifact store refuses us
    |-- DiskFull                    507  no room to keep it
    |-- StorageDamaged              500  what was kept is not what was written
    |-- BundleError                      a bundle that cannot be used
    |   |-- BundleCorrupt                a digest, size or structure does not hold
    |   |-- BundleRefused                well formed, but not trusted here
    |   `-- FormatTooNew                 written by a newer Modelport
    |-- CompileError                     a model that cannot be compiled
    |   |-- Unsupported                  no compiler for it
    |   |-- SourceRefused                needs trust that was not given
    |   |-- SandboxError                 the sandbox is missing, too weak, or stopped the work
    |   `-- ParityError                  compiled, but answers differ beyond tolerance
    |-- PlanRefused                      a serving plan that cannot take effect as a whole
    |-- DecisionRefused                  a strategy decided what cannot be done with its rollout
    |-- SettingsError                    a setting that makes no sense, or is unsafe
    `-- NameInvalid                 400  not a name we accept

`code` is stable and documented (docs/reference/errors.md); `hint` says what to try next. The numbers are
the HTTP statuses the edge answers with; nothing here imports HTTP.
"""

from __future__ import annotations


class ModelportError(Exception):
    """Anything Modelport raises on purpose.

    Attributes:
        code: stable, documented identifier in kebab-case.
        message: what happened, without paths, pids or stack traces: it may reach a caller.
        hint: what to try next; may be empty.
        pointer: JSON pointer to the offending place in a document; empty when there is none.
        faults: where several places offend, each as (pointer, message).
    """

    code = "internal"
    status = 500

    def __init__(self, message: str, *, code: str = "", hint: str = "", pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.pointer = pointer
        self.faults: tuple[tuple[str, str], ...] = ()
        if code:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadRequest(ModelportError):
    """The request cannot be understood."""

    code = "bad-request"
    status = 400


class UnsupportedMedia(BadRequest):
    """A content type or content coding that we do not read."""

    code = "unsupported-media-type"
    status = 415


class TooLarge(BadRequest):
    """Over a byte, row or element limit."""

    code = "too-large"
    status = 413


class InvalidInput(BadRequest):
    """Understood, but not valid for this model."""

    code = "invalid-input"
    status = 422


class NameInvalid(BadRequest):
    """Not a name we accept for a model, version, alias or project."""

    code = "invalid-name"


class Unauthenticated(ModelportError):
    """No key, or a key we do not know."""

    code = "unauthenticated"
    status = 401


class Forbidden(ModelportError):
    """A known caller who may not do this."""

    code = "forbidden"
    status = 403


class NotFound(ModelportError):
    """No such model, version or route."""

    code = "not-found"
    status = 404


class MethodNotAllowed(ModelportError):
    """The route exists, the method does not; `allowed` are those that do."""

    code = "method-not-allowed"
    status = 405
    allowed: tuple[str, ...] = ()


class RequestTimeout(ModelportError):
    """The request did not arrive in time."""

    code = "request-timeout"
    status = 408


class Conflict(ModelportError):
    """What is there does not allow it: it exists already, or something still needs it."""

    code = "conflict"
    status = 409


class PreconditionFailed(ModelportError):
    """It has changed since the caller looked (`If-Match`, `If-None-Match`)."""

    code = "precondition-failed"
    status = 412


class PreconditionRequired(ModelportError):
    """It is only changed for callers who say what they have looked at (RFC 6585)."""

    code = "precondition-required"
    status = 428


class Misdirected(ModelportError):
    """A Host header that this server does not answer for."""

    code = "misdirected"
    status = 421


class RateLimited(ModelportError):
    """The caller's own limit.

    `retry_after` is in seconds.
    """

    code = "rate-limited"
    status = 429

    def __init__(self, message: str, *, retry_after: float, code: str = "", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_after = retry_after


class ModelFailed(ModelportError):
    """The model raised, or broke its contract."""

    code = "model-failed"
    status = 500


class Overloaded(ModelportError):
    """The server cannot take this now: queue full, not ready, draining, worker lost.

    `retry_after` is in seconds.
    """

    code = "overloaded"
    status = 503

    def __init__(self, message: str, *, retry_after: float = 1.0, code: str = "", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_after = retry_after


class DeadlineExceeded(ModelportError):
    """The caller's deadline passed before an answer was ready."""

    code = "deadline-exceeded"
    status = 504


class StorageError(ModelportError):
    """The artifact store refuses us; waiting does not help."""

    code = "storage-error"
    status = 500


class DiskFull(ModelportError):
    """There is no room to keep it; nothing was written."""

    code = "disk-full"
    status = 507


class StorageDamaged(ModelportError):
    """What was kept is not what was written: a flipped bit, a cut file, a page that is not its own."""

    code = "storage-damaged"
    status = 500


class BundleError(ModelportError):
    """A bundle that cannot be used."""

    code = "bundle-error"
    status = 400


class BundleCorrupt(BundleError):
    """A digest, a size or the structure of a bundle does not hold."""

    code = "bundle-corrupt"


class BundleRefused(BundleError):
    """A well-formed bundle that is not trusted here."""

    code = "bundle-refused"


class FormatTooNew(BundleError):
    """A bundle written by a newer Modelport."""

    code = "bundle-format-too-new"


class CompileError(ModelportError):
    """A model that cannot be compiled."""

    code = "compile-error"
    status = 400


class Unsupported(CompileError):
    """No compiler takes this model, with the reason."""

    code = "unsupported-model"


class SourceRefused(CompileError):
    """The source needs trust that was not given (pickle without --trust-pickle)."""

    code = "source-refused"


class SandboxError(CompileError):
    """The sandbox is missing, too weak, or stopped the work."""

    code = "sandbox"


class ParityError(CompileError):
    """Compiled, but the answers differ from the original's beyond tolerance."""

    code = "parity"


class PlanRefused(ModelportError):
    """A serving plan that cannot take effect as a whole."""

    code = "plan-refused"
    status = 400


class DecisionRefused(ModelportError):
    """A strategy decided what cannot be done with a rollout that stands where it stands."""

    code = "decision-refused"


class SettingsError(ModelportError):
    """A setting that makes no sense, or is unsafe."""

    code = "settings"
    status = 400
