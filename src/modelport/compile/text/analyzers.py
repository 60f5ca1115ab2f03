"""The settings of a fitted vectorizer as an `AnalyzerSpec`; callables are refused with what to do instead."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from modelport.core.patterns.slow import slow
from modelport.errors import Unsupported
from modelport.runtimes.text.spec import AnalyzerSpec

_INSTEAD = {
    "analyzer": "analyzer='word', 'char' or 'char_wb'",
    "tokenizer": "token_pattern, a regular expression of one token",
    "preprocessor": "lowercase and strip_accents, or clean the texts before they are sent",
    "strip_accents": "strip_accents='unicode' or 'ascii'",
}


def analyzer(vectorizer: Any) -> AnalyzerSpec:
    """How `vectorizer` turns a text into terms. Raises `Unsupported` where code of the user's own does
    it, and for a token pattern that some text could keep busy (`slow-pattern`)."""
    for setting, instead in _INSTEAD.items():
        if callable(getattr(vectorizer, setting)):
            raise _custom(setting, instead)
    if vectorizer.input != "content":
        msg = f"the vectorizer reads its texts from a {vectorizer.input}"
        raise Unsupported(msg, hint="set input='content': the server is sent texts, not names of files")
    ngrams = (int(vectorizer.ngram_range[0]), int(vectorizer.ngram_range[1]))
    spec = AnalyzerSpec(
        vectorizer.analyzer, ngrams, bool(vectorizer.lowercase), vectorizer.strip_accents or None
    )
    if vectorizer.analyzer != "word":
        return spec
    _check_pattern(vectorizer.token_pattern)
    stop = tuple(sorted(vectorizer.get_stop_words() or ()))
    return replace(spec, token_pattern=vectorizer.token_pattern, stop_words=stop)


def _check_pattern(pattern: str) -> None:
    """Refuse a pattern that no server could let strangers' texts meet."""
    reason = slow(pattern)
    if reason:
        msg = f"a text could keep the token_pattern {pattern[:80]!r} busy for hours: {reason}"
        raise Unsupported(
            msg, code="slow-pattern", hint="fit with a pattern whose repeats share no characters"
        )


def _custom(setting: str, instead: str) -> Unsupported:
    msg = f"the vectorizer's {setting} is a Python function, which a bundle of data cannot hold"
    return Unsupported(msg, code="custom-analyzer", hint=f"fit it with {instead}")
