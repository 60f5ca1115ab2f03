"""Free words of people and bundles: kept, searched and shown, never a path, a command or markup."""

from __future__ import annotations

import math
from collections.abc import Mapping

from modelport.core.names import check_name
from modelport.errors import BadRequest

LONGEST = 1000
_MOST = 200


def text(what: str, value: str, longest: int = LONGEST) -> str:
    """The text itself. Raises `BadRequest` (`bad-text`) for a long one or one with control characters."""
    if len(value) <= longest and not any(ord(each) < 32 and each not in "\n\t" for each in value):
        return value
    msg = f"{what} is longer than {longest} characters, or holds control characters"
    raise BadRequest(msg, code="bad-text", hint="give plain text")


def tags(values: Mapping[str, str]) -> dict[str, str]:
    """The tags themselves. Raises `NameInvalid` for a key, and `BadRequest` (`bad-text`)."""
    _few(len(values), "tags")
    return {check_name(name, "tag"): text(f"tag {name}", value) for name, value in values.items()}


def metrics(values: Mapping[str, float]) -> dict[str, float]:
    """The metrics themselves. Raises `NameInvalid` for a name, `BadRequest` (`bad-metric`) for no number."""
    _few(len(values), "metrics")
    for name, value in values.items():
        check_name(name, "metric")
        if not math.isfinite(value):
            msg = f"the metric {name} is {value}"
            raise BadRequest(msg, code="bad-metric", hint="leave out what was not measured")
    return {name: float(value) for name, value in values.items()}


def _few(count: int, what: str) -> None:
    if count > _MOST:
        msg = f"{count} {what} are more than {_MOST}"
        raise BadRequest(msg, code="bad-text", hint=f"keep the {what} that people look for")
