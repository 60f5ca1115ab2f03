"""Cuts a text behind its n-th token, as the model's own vectorizer counts tokens.

Tokens are what the first vectorizer of words finds, before stop words are dropped and n-grams are made; words
between white space for `char_wb`; characters where every vectorizer reads characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice

from modelport.runtimes.text.analyzer import preprocessor
from modelport.runtimes.text.spec import AnalyzerSpec, Features

Shorten = Callable[[str, int], str | None]
"""The text up to its n-th token, None when it has no more than that."""

_WORD = re.compile(r"\S+")
_ORDER = {"word": 0, "char_wb": 1, "char": 2}


def shortener(features: Features) -> Shorten:
    """How texts of this model are cut."""
    spec = min((block.analyzer for block in features.blocks), key=lambda spec: _ORDER[spec.unit])
    if spec.unit == "char":
        return lambda text, most: text[:most] if len(text) > most else None
    return _by_words(re.compile(spec.token_pattern) if spec.unit == "word" else _WORD, spec)


def _by_words(pattern: re.Pattern[str], spec: AnalyzerSpec) -> Shorten:
    clean = preprocessor(spec) or str

    def shorten(text: str, most: int) -> str | None:
        seen = clean(text)
        ends = _ends(pattern.finditer(seen), most)
        if len(ends) <= most:
            return None
        # Where cleaning changes lengths, what it made is cut: cleaning that again changes nothing.
        return (text if len(seen) == len(text) else seen)[: ends[-2]]

    return shorten


def _ends(matches: Iterable[re.Match[str]], most: int) -> list[int]:
    """Where the first `most + 1` tokens end."""
    return [match.end() for match in islice(matches, most + 1)]
