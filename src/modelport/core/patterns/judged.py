"""The patterns of a model's input rules: compiled, if no text can keep them busy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelport.core.manifest import Validation
from modelport.core.patterns.slow import slow

_DENIED = re.IGNORECASE


class BadPattern(ValueError):
    """Which pattern cannot be used, and why; `code` is that of the error to tell it with."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Patterns:
    """The rules' patterns: all of a text must match `allowed`, and no part of it one of `denied`."""

    allowed: re.Pattern[str] | None
    denied: tuple[re.Pattern[str], ...]


def patterns(validation: Validation) -> Patterns:
    """The patterns of the rules. Raises `BadPattern`: `bad-pattern`, `slow-pattern`."""
    whole = validation.allowed_pattern
    return Patterns(allowed(whole) if whole else None, tuple(map(denied, validation.denied_patterns)))


def allowed(pattern: str) -> re.Pattern[str]:
    """What a whole text has to match, compiled. Raises `BadPattern`."""
    return _judged("allowed_pattern", pattern, whole=True)


def denied(pattern: str) -> re.Pattern[str]:
    """What no part of a text may match, compiled. Raises `BadPattern`."""
    return _judged("denied_patterns", pattern, _DENIED)


def _judged(rule: str, pattern: str, flags: int = 0, *, whole: bool = False) -> re.Pattern[str]:
    shown = f"{rule} {pattern[:80]!a}"
    try:
        reason, compiled = slow(pattern, flags, whole=whole), re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"{shown} is no regular expression: {error}"
        raise BadPattern(msg, code="bad-pattern") from error
    if reason:
        msg = f"a text could keep {shown} busy for hours: {reason}"
        raise BadPattern(msg, code="slow-pattern")
    return compiled
