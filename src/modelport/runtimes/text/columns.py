"""From the terms of a text to counts of columns: by table, or by hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Protocol

import numpy as np

from modelport.errors import InvalidInput
from modelport.runtimes.text.analyzer import Analyze, analyzer, preprocessor, windows
from modelport.runtimes.text.murmur import murmurhash3_32
from modelport.runtimes.text.spec import AnalyzerSpec

Counts = Mapping[int, int]
"""Column to count. Hashed counts may be negative or zero; a column with count zero still is in the row."""

WORDS_REMEMBERED = 16_384
TERMS_REMEMBERED = 65_536
LONGEST_REMEMBERED = 32
LONGEST_TERM_REMEMBERED = 64
"""Bounds of what a model remembers about words it has seen: a few megabytes, whatever is sent."""


class Columns(Protocol):
    """Counts columns. Thread-safe."""

    def count(self, texts: Sequence[str]) -> list[Counts]: ...


def by_table(spec: AnalyzerSpec, terms: Sequence[str]) -> Columns:
    """Columns of known terms; other terms are ignored."""
    places = {term: place for place, term in enumerate(terms)}
    return TableOfWords(spec, places) if spec.unit == "char_wb" else Table(analyzer(spec), places)


class Table:
    """Terms looked up in a dict."""

    def __init__(self, analyze: Analyze, places: Mapping[str, int]) -> None:
        self._analyze = analyze
        self._place = places.get

    def count(self, texts: Sequence[str]) -> list[Counts]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Counts:
        counts = Counter(map(self._place, self._analyze(text)))
        counts.pop(None, None)
        return counts  # type: ignore[return-value]  # the None of unknown terms has just left


class TableOfWords:
    """Character n-grams inside words: what a word gives is remembered, because language repeats its words."""

    def __init__(self, spec: AnalyzerSpec, places: Mapping[str, int]) -> None:
        self._clean = preprocessor(spec)
        self._found = _Remembered(spec.ngrams, places.get)

    def count(self, texts: Sequence[str]) -> list[Counts]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Counts:
        clean = text if self._clean is None else self._clean(text)
        return Counter(chain.from_iterable(map(self._found.__getitem__, clean.split())))


class _Remembered(dict[str, tuple[int, ...]]):
    """Word to the columns of its n-grams; starts again when full. Any interleaving of threads is right."""

    def __init__(self, ngrams: tuple[int, int], place: Callable[[str], int | None]) -> None:
        super().__init__()
        self._ngrams = ngrams
        self._place = place

    def __missing__(self, word: str) -> tuple[int, ...]:
        places = map(self._place, windows(word, *self._ngrams))
        found = tuple([place for place in places if place is not None])
        if len(word) <= LONGEST_REMEMBERED:
            if len(self) >= WORDS_REMEMBERED:
                self.clear()
            self[word] = found
        return found


class Hashed:
    """Terms hashed to columns. A hash is remembered as `column * 2 + (1 where it counts downwards)`."""

    def __init__(self, analyze: Analyze, size: int, alternate_sign: bool) -> None:
        self._analyze = analyze
        self._size = size
        self._alternate_sign = alternate_sign
        self._codes: dict[str, int] = {}

    def count(self, texts: Sequence[str]) -> list[Counts]:
        rows = [self._analyze(text) for text in texts]
        code = self._known(set(chain.from_iterable(rows))).__getitem__
        if self._alternate_sign:
            return [_signed(Counter(map(code, row))) for row in rows]
        return [Counter(map(code, row)) for row in rows]

    def _known(self, terms: set[str]) -> Mapping[str, int]:
        """A table that holds all of `terms`: the remembered one, or one for this batch only."""
        codes = self._codes
        missing = terms.difference(codes)
        if not missing:
            return codes
        hashed = self._hash(list(missing))
        short = {term: code for term, code in hashed.items() if len(term) <= LONGEST_TERM_REMEMBERED}
        if len(codes) + len(short) <= TERMS_REMEMBERED:
            codes.update(short)
            if len(short) == len(hashed):
                return codes
        else:
            self._codes = short if len(short) <= TERMS_REMEMBERED else {}
        return {**{term: codes[term] for term in terms.difference(hashed)}, **hashed}

    def _hash(self, terms: list[str]) -> dict[str, int]:
        hashes = murmurhash3_32([_encoded(term) for term in terms]).astype(np.int64)
        columns = np.abs(hashes) % self._size
        if self._alternate_sign:
            columns = columns * 2 + (hashes < 0)
        return dict(zip(terms, columns.tolist(), strict=True))


def _signed(codes: Mapping[int, int]) -> Counts:
    counts: dict[int, int] = {}
    for code, count in codes.items():
        column = code >> 1
        counts[column] = counts.get(column, 0) + (-count if code & 1 else count)
    return counts


def _encoded(term: str) -> bytes:
    try:
        return term.encode()
    except UnicodeEncodeError:
        msg = "the text holds half of a surrogate pair, which is no character"
        raise InvalidInput(msg, hint="send the text as valid Unicode") from None
