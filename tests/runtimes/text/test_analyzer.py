"""Terms are those of scikit-learn, for every setting and any text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils import murmurhash3_32 as reference

from modelport.runtimes.text.analyzer import analyzer
from modelport.runtimes.text.murmur import murmurhash3_32
from modelport.runtimes.text.spec import AnalyzerSpec

SETTINGS: list[dict[str, Any]] = [
    {},
    {"ngram_range": (1, 2)},
    {"ngram_range": (2, 4), "lowercase": False},
    {"stop_words": ["the", "of", "a"], "ngram_range": (1, 3)},
    {"stop_words": "english", "strip_accents": "unicode"},
    {"strip_accents": "ascii", "ngram_range": (2, 2)},
    {"token_pattern": r"\b(\w+)\b'?"},
    {"token_pattern": r"(?u)\b\w+\b|[^\w\s]"},
    {"token_pattern": r"x*"},
    {"analyzer": "char"},
    {"analyzer": "char", "ngram_range": (1, 4), "strip_accents": "unicode"},
    {"analyzer": "char", "ngram_range": (3, 3), "lowercase": False},
    {"analyzer": "char_wb", "ngram_range": (1, 1)},
    {"analyzer": "char_wb", "ngram_range": (3, 5), "strip_accents": "ascii"},
    {"analyzer": "char_wb", "ngram_range": (2, 9)},
]

PROSE = st.lists(
    st.sampled_from(
        ["the", "of", "a", "naïve", "re\u0301sume\u0301", "x", "İ", "ß", "ﬁ", "don't", "🙂", "é" * 9]
    ),
    max_size=12,
).flatmap(
    lambda words: st.sampled_from([" ", "  ", "\t\n", "\u2003 ", ", "]).map(lambda gap: gap.join(words))
)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(str.encode)

TEXT = st.one_of(PROSE, st.text(st.characters(exclude_categories=["Cs"]), max_size=60))


@pytest.mark.parametrize("options", SETTINGS, ids=str)
@settings(max_examples=60, deadline=None)
@example("")
@example("a")
@example("\x1c\x85\u2028 \u00a0x\u00a0")
@example("İSTANBUL Σίσυφος ǅ")
@given(text=TEXT)
def test_terms_are_those_of_scikit_learn(options: dict[str, Any], text: str) -> None:
    vectorizer = CountVectorizer(**options)
    assert analyzer(_spec(vectorizer))(text) == list(vectorizer.build_analyzer()(text))


def _spec(vectorizer: CountVectorizer) -> AnalyzerSpec:
    return AnalyzerSpec(
        vectorizer.analyzer,
        vectorizer.ngram_range,
        vectorizer.lowercase,
        vectorizer.strip_accents,
        vectorizer.token_pattern,
        tuple(vectorizer.get_stop_words() or ()),
    )


def test_a_pattern_with_two_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="at most one group"):
        analyzer(AnalyzerSpec("word", token_pattern=r"(a)(b)"))


@settings(max_examples=200, deadline=None)
@given(terms=st.lists(st.one_of(st.binary(max_size=40), WORDS), max_size=20))
def test_hashes_are_those_of_murmurhash(terms: list[bytes]) -> None:
    assert murmurhash3_32(terms).tolist() == [reference(term) for term in terms]


def test_the_smallest_hash_is_kept_as_it_is() -> None:
    """-2**31 has no positive counterpart in 32 bits; its column must still be that of scikit-learn."""
    hashes = np.array([-(2**31)], np.int64)
    for size in (1, 2, 3, 1000, 4099, 2**20):
        assert (np.abs(hashes) % size).tolist() == [(2147483647 - (size - 1)) % size]
