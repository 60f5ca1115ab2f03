"""Input rules of a model: each cleans, and says so, or refuses (`model_config.validation`)."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from modelport.core.manifest import Validation
from modelport.core.patterns.judged import BadPattern, Patterns, patterns
from modelport.core.ranges import strangers
from modelport.core.signature import Signature
from modelport.errors import BundleRefused, InvalidInput
from modelport.runtimes.batch import Array

_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")

Clean = Callable[[str], tuple[str, tuple[str, ...]]]


class Rules:
    """A model's `Validation`, ready to apply. `plain` is true when text needs a length check only.

    Raises `BundleRefused` (`bad-pattern`, `slow-pattern`) for a pattern that no stranger's text should meet.
    """

    __slots__ = (
        "_allowed",
        "_collapse",
        "_denied",
        "_html",
        "allow_nonfinite",
        "max_length",
        "plain",
        "ranges",
    )

    def __init__(self, validation: Validation) -> None:
        self.max_length = validation.max_length
        self.allow_nonfinite = validation.allow_nonfinite
        self.ranges = validation.ranges
        self._html = validation.strip_html
        self._collapse = validation.collapse_whitespace
        judged = _patterns(validation)
        self._allowed, self._denied = judged.allowed, judged.denied
        self.plain = not (self._html or self._collapse or self._allowed or self._denied)

    def text(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The cleaned text and what was done to it; raises `InvalidInput` naming the rule."""
        if "\x00" in text:
            msg = "the text holds a NUL character"
            raise InvalidInput(msg, code="nul-character", hint="remove U+0000 from the text")
        if len(text) > self.max_length:
            msg = f"the text has {len(text)} characters, max_length is {self.max_length}"
            raise InvalidInput(msg, code="text-too-long", hint="shorten it, or raise validation.max_length")
        return (text, ()) if self.plain else self._clean(text)

    def _clean(self, text: str) -> tuple[str, tuple[str, ...]]:
        notes: list[str] = []
        for denied in self._denied:
            if denied.search(text):
                msg = f"the text matches the denied pattern {denied.pattern!r}"
                raise InvalidInput(msg, code="denied-pattern")
        if self._html and (stripped := _TAG.sub("", text)) != text:
            text = stripped
            notes.append("strip_html")
        if self._collapse and (collapsed := _SPACE.sub(" ", text).strip()) != text:
            text = collapsed
            notes.append("collapse_whitespace")
        if self._allowed and not self._allowed.fullmatch(text):
            msg = f"the text does not match the allowed pattern {self._allowed.pattern!r}"
            raise InvalidInput(msg, code="allowed-pattern")
        return text, tuple(notes)

    def outside(self, column: str, values: Array) -> int | None:
        """The first row whose value lies outside the column's range, or None."""
        low, high = self.ranges[column]
        with np.errstate(invalid="ignore"):
            bad = np.zeros(len(values), bool)
            if low is not None:
                bad |= values < low
            if high is not None:
                bad |= values > high
        return int(bad.argmax()) if bad.any() else None


def rules_of(validation: Validation, signature: Signature) -> Rules:
    """The rules of a model with this signature; raises `BundleRefused` (also `unknown-column`)."""
    if wrong := strangers(validation.ranges, signature):
        msg = f"validation.{wrong}"
        hint = "change validation of the model's parameters: such a rule would never refuse anything"
        raise BundleRefused(msg, code="unknown-column", hint=hint)
    return Rules(validation)


def _patterns(validation: Validation) -> Patterns:
    try:
        return patterns(validation)
    except BadPattern as error:
        hint = "change validation of the model's parameters: repeats should share no characters"
        raise BundleRefused(str(error), code=error.code, hint=hint) from error
