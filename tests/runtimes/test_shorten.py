"""A text is cut where the model's own vectorizer has seen so many tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.runtimes.text.analyzer import analyzer
from modelport.runtimes.text.shorten import shortener
from modelport.runtimes.text.spec import AnalyzerSpec, Block, Features, Vocabulary

TEXTS = st.text(st.one_of(st.sampled_from("ab éßİǅ .,'-\n\t"), st.characters(codec="utf-8")), max_size=60)


def features(*specs: AnalyzerSpec) -> Features:
    return Features(tuple(Block(spec, Vocabulary("terms", 1)) for spec in specs))


@given(TEXTS, st.integers(1, 8), st.sampled_from([None, "ascii", "unicode"]), st.booleans())
def test_the_model_sees_the_first_tokens_and_no_other(
    text: str, most: int, accents: Any, lowercase: bool
) -> None:
    spec = AnalyzerSpec("word", lowercase=lowercase, strip_accents=accents)
    tokens = analyzer(spec)
    short = shortener(features(spec))(text, most)
    if short is None:
        assert len(tokens(text)) <= most
    else:
        assert tokens(short) == tokens(text)[:most]


@given(TEXTS, st.integers(1, 8))
def test_words_of_char_wb_are_what_white_space_leaves(text: str, most: int) -> None:
    short = shortener(features(AnalyzerSpec("char_wb", (2, 3), lowercase=False)))(text, most)
    assert (text if short is None else short).split() == text.split()[:most]


def test_characters_count_where_nothing_reads_words() -> None:
    shorten = shortener(features(AnalyzerSpec("char", (1, 3))))
    assert shorten("abcdef", 4) == "abcd"
    assert shorten("abcd", 4) is None


def test_words_go_before_characters_where_a_model_reads_both() -> None:
    shorten = shortener(features(AnalyzerSpec("char"), AnalyzerSpec("word")))
    assert shorten("one two three", 2) == "one two"


@pytest.mark.parametrize(("pattern", "short"), [(r"[a-z]+-(\w+)", "x-one x-two"), (r"\w+", "x-one")])
def test_a_models_own_pattern_counts(pattern: str, short: str) -> None:
    spec = AnalyzerSpec("word", token_pattern=pattern)
    assert shortener(features(spec))("x-one x-two x-three", 2) == short
