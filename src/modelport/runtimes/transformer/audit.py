"""What a tokenizer may hold: judged as plain data, before the tokenizer is built.

A tokenizer runs no code of its author, but it could hold a regular expression that some text keeps busy for
hours, a rule that makes a text a million times as long, or token numbers that the model has no row for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelport.core.patterns.slow import slow
from modelport.errors import BundleRefused
from modelport.runtimes.transformer.spec import Transformer

_MODELS = {"WordPiece", "BPE", "Unigram", "WordLevel"}
_PARTS: Mapping[str, set[str]] = {
    "normalizer": {
        "BertNormalizer", "ByteLevel", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Precompiled",
        "Prepend", "Replace", "Sequence", "Strip", "StripAccents",
    },
    "pre_tokenizer": {
        "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "Metaspace", "Punctuation",
        "Sequence", "Split", "UnicodeScripts", "Whitespace", "WhitespaceSplit",
    },
    "post_processor": {
        "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing",
    },
}  # fmt: skip
_MOST_PARTS = 64
_LONGEST_WORD = 500
"""A WordPiece word is searched in time with the cube of its length."""
_MOST_GROWTH = 64
"""Most characters that replacements may make of one, or that may be put before a text."""

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LINES = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

KNOWN_PATTERNS = frozenset({
    # The words of GPT-2, and of later models that changed a little each.
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_LINES}",
    rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_LINES}",
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
})  # fmt: skip
"""Patterns in the syntax of the tokenizer's own engine that are known to take no more than quadratic time."""


def audit(data: bytes, spec: Transformer) -> None:
    """Raise `BundleRefused` (`tokenizer-refused`) unless the tokenizer in `data` is harmless for `spec`."""
    document = _decoded(data)
    _check_model(document.get("model"))
    for place, kinds in _PARTS.items():
        for part in _parts(document.get(place)):
            if part.get("type") not in kinds:
                msg = f"its {place} {str(part.get('type'))[:60]!a} is not one that is read"
                raise _refused(msg)
            _check_pattern(part)
    _check_growth(list(_parts(document.get("normalizer"))))
    _check_numbers(document, spec.vocabulary)


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = "it is not a JSON object"
        raise _refused(msg) from error


def _check_model(model: Any) -> None:
    if not isinstance(model, dict) or model.get("type") not in _MODELS:
        msg = "its model is not one that is read"
        raise _refused(msg)
    if model.get("dropout"):
        msg = "it drops merges at random, so the same text has several answers"
        raise _refused(msg)
    if (
        model["type"] == "WordPiece"
        and not 0 < _number(model.get("max_input_chars_per_word")) <= _LONGEST_WORD
    ):
        msg = f"it searches words of more than {_LONGEST_WORD} characters"
        raise _refused(msg)


def _parts(part: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """A part and, of a sequence, what is in it."""
    if part is None:
        return
    if not isinstance(part, dict) or depth > 4:
        msg = "it is not of the form that is read"
        raise _refused(msg)
    yield part
    inner = [part.get(key) for key in ("normalizers", "pretokenizers", "processors")]
    for parts in inner:
        if parts is not None and (not isinstance(parts, list) or len(parts) > _MOST_PARTS):
            msg = "it has too many parts"
            raise _refused(msg)
        for each in parts or []:
            yield from _parts(each, depth + 1)


def _check_pattern(part: Mapping[str, Any]) -> None:
    pattern = part.get("pattern")
    if not isinstance(pattern, dict) or "Regex" not in pattern or pattern["Regex"] in KNOWN_PATTERNS:
        return
    try:
        reason = slow(str(pattern["Regex"]))
    except (re.error, ValueError, OverflowError, RecursionError):
        reason = "it is none of the known ones"
    if reason:
        msg = f"a text could keep its pattern {str(pattern['Regex'])[:80]!a} busy: {reason}"
        raise _refused(msg)


def _check_growth(parts: list[dict[str, Any]]) -> None:
    growth = 1
    for part in parts:
        if part.get("type") == "Replace":
            growth *= max(1, len(str(part.get("content", ""))))
        growth = max(growth, len(str(part.get("prepend", ""))))
    if growth > _MOST_GROWTH:
        msg = "its replacements make a text many times as long"
        raise _refused(msg)


def _check_numbers(document: Mapping[str, Any], vocabulary: int) -> None:
    most = max(_token_numbers(document), default=-1)
    if most >= vocabulary:
        msg = f"it has the token number {most}, the model knows those below {vocabulary}"
        raise _refused(msg)


def _token_numbers(document: Mapping[str, Any]) -> Iterator[int]:
    """The numbers that tokens may get: of the vocabulary, of tokens added to it, and around a text."""
    model = document["model"]
    vocabulary = model.get("vocab")
    if isinstance(vocabulary, dict):
        yield max(map(_number, vocabulary.values()), default=-1)
    elif isinstance(vocabulary, list):
        yield len(vocabulary) - 1
    for token in document.get("added_tokens") or []:
        yield _number(token.get("id") if isinstance(token, dict) else None)
    for part in _parts(document.get("post_processor")):
        yield from _around(part)


def _around(part: Mapping[str, Any]) -> Iterator[int]:
    for name in ("cls", "sep"):
        if name in part:
            yield _number(part[name][-1] if isinstance(part[name], list) and part[name] else None)
    special = part.get("special_tokens")
    for token in special.values() if isinstance(special, dict) else ():
        numbers = token.get("ids") if isinstance(token, dict) else None
        yield from map(_number, numbers if isinstance(numbers, list) else [None])


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 32:
        msg = "a token number, or a length, is not a number"
        raise _refused(msg)
    return value


def _refused(why: str) -> BundleRefused:
    return BundleRefused(
        f"the tokenizer is refused: {why}",
        code="tokenizer-refused",
        hint="pack the model with the tokenizer it was trained with",
    )
