"""What is said to callers of a model that cannot be loaded."""

from __future__ import annotations

from modelport.errors import Overloaded


def for_now(model: str, reason: str, seconds: float) -> Overloaded:
    """Loading it has failed; it is tried again after so many seconds."""
    return Overloaded(
        f"the model {model} could not be loaded: {reason}",
        code="load-failed",
        retry_after=seconds,
        hint="it is tried again after the given time; GET /debug/plan tells more",
    )


def for_good(model: str, reason: str) -> Overloaded:
    """Loading it is not tried any more."""
    return Overloaded(
        f"the model {model} cannot be loaded: {reason}",
        code="load-failed",
        retry_after=60.0,
        hint="it is not tried again; pack it anew and publish it as another version",
    )


def too_large(model: str, size: int, room: int) -> Overloaded:
    """It takes more bytes than there are for it."""
    return Overloaded(
        f"the model {model} takes {size} bytes of memory, and there are {room} for it",
        code="model-too-large",
        retry_after=60.0,
        hint="serve it with a larger --memory, or with fewer workers",
    )
