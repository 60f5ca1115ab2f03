"""From a text to its terms, exactly as scikit-learn's vectorizers do it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise

from modelport.core.patterns.slow import slow
from modelport.errors import BundleRefused
from modelport.runtimes.text.spec import AnalyzerSpec

Analyze = Callable[[str], list[str]]

DEFAULT_PATTERN = r"(?u)\b\w\w+\b"
EQUAL_PATTERN = (
    r"\w\w+"  # finds the same tokens (a run of word characters is always taken whole), a quarter faster
)

_RUNS_OF_SPACE = re.compile(r"\s\s+")


def analyzer(spec: AnalyzerSpec) -> Analyze:
    """A function from a text to its terms, repeats included, in scikit-learn's order.

    Raises `re.error` for a token pattern that is no regular expression, `ValueError` for one with several
    groups, `BundleRefused` (`slow-pattern`) for one that some text could keep busy.
    """
    clean = preprocessor(spec)
    ngrams = _NGRAMS[spec.unit](spec)
    return ngrams if clean is None else lambda text: ngrams(clean(text))


def preprocessor(spec: AnalyzerSpec) -> Callable[[str], str] | None:
    """Lower case, then accents; None when neither is wanted."""
    strip = {None: None, "ascii": strip_accents_ascii, "unicode": strip_accents_unicode}[spec.strip_accents]
    if strip is None:
        return str.lower if spec.lowercase else None
    return (lambda text: strip(text.lower())) if spec.lowercase else strip


def strip_accents_ascii(text: str) -> str:
    """The ASCII characters of the compatibility decomposition; the rest is dropped."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def strip_accents_unicode(text: str) -> str:
    """The compatibility decomposition without its combining marks."""
    if text.isascii():
        return text
    return "".join([char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char)])


def windows(word: str, smallest: int, largest: int) -> list[str]:
    """The `char_wb` n-grams of one word, padded with a space on each side; a short word counts once."""
    padded = f" {word} "
    length = len(padded)
    grams: list[str] = []
    for n in range(smallest, largest + 1):
        if n >= length:
            grams.append(padded)
            break
        grams += [padded[start : start + n] for start in range(length - n + 1)]
    return grams


def _words(spec: AnalyzerSpec) -> Analyze:
    tokens = _tokenizer(spec)
    smallest, largest = spec.ngrams
    if largest == 1:
        return tokens
    return lambda text: _joined(tokens(text), smallest, largest)


def _tokenizer(spec: AnalyzerSpec) -> Analyze:
    find = _pattern(spec.token_pattern).findall
    if not spec.stop_words:
        return find
    stop = frozenset(spec.stop_words)
    return lambda text: [token for token in find(text) if token not in stop]


def _pattern(token_pattern: str) -> re.Pattern[str]:
    if token_pattern == DEFAULT_PATTERN:
        return re.compile(EQUAL_PATTERN)
    pattern = re.compile(token_pattern)
    if pattern.groups > 1:
        msg = "a token pattern has at most one group"
        raise ValueError(msg)
    reason = slow(token_pattern)
    if reason:
        msg = f"a text could keep the token pattern of the model busy for hours: {reason}"
        raise BundleRefused(msg, code="slow-pattern", hint="pack the model with a simpler token_pattern")
    return pattern


def _joined(tokens: list[str], smallest: int, largest: int) -> list[str]:
    terms = tokens if smallest == 1 else []
    for n in range(max(smallest, 2), largest + 1):
        terms = terms + _run(tokens, n)
    return terms


def _run(tokens: list[str], n: int) -> list[str]:
    if n == 2:
        return [f"{first} {second}" for first, second in pairwise(tokens)]
    return list(map(" ".join, _shifted(tokens, n)))


def _shifted(tokens: list[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*[tokens[start:] for start in range(n)], strict=False)


def _chars(spec: AnalyzerSpec) -> Analyze:
    smallest, largest = spec.ngrams

    def terms(text: str) -> list[str]:
        text = _RUNS_OF_SPACE.sub(" ", text)
        length = len(text)
        grams = list(text) if smallest == 1 else []
        for n in range(max(smallest, 2), min(largest, length) + 1):
            grams += [text[start : start + n] for start in range(length - n + 1)]
        return grams

    return terms


def _chars_in_words(spec: AnalyzerSpec) -> Analyze:
    smallest, largest = spec.ngrams
    return lambda text: [gram for word in text.split() for gram in windows(word, smallest, largest)]


_NGRAMS: dict[str, Callable[[AnalyzerSpec], Analyze]] = {
    "word": _words,
    "char": _chars,
    "char_wb": _chars_in_words,
}
