"""The transformer runtime: what it answers, and what it refuses to load."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtimes.transformer.tiny import SPEC, WORDS, Held, tokenizer

from modelport.errors import BundleCorrupt, BundleRefused, InvalidInput, ModelFailed
from modelport.runtimes.base import TRUNCATED, Reader, Staged
from modelport.runtimes.batch import Batch, Ragged, concat, split
from modelport.runtimes.transformer.padding import padded, runs
from modelport.runtimes.transformer.predictor import TransformerPredictor
from modelport.runtimes.transformer.runtime import TransformerRuntime
from modelport.runtimes.transformer.spec import PATH, TOKENIZER

TEXTS = ["good film", "", "the bad bad film", "goodly", "a " * 50, "unknown words here", "\U0001f600 é"]


@pytest.fixture(scope="module")
def predictor() -> TransformerPredictor:
    return TransformerRuntime().load(Held())


def texts(values: list[Any]) -> Batch:
    column = np.empty(len(values), object)
    column[:] = values
    return Batch(len(values), {"text": column})


def test_every_row_answers_as_it_does_alone(predictor: TransformerPredictor) -> None:
    """Neither padding nor the order of rows changes an answer."""
    together = predictor.predict(texts(TEXTS))
    for row, text in enumerate(TEXTS):
        alone = predictor.predict(texts([text]))
        assert alone.array("label")[0] == together.array("label")[row]
        np.testing.assert_allclose(
            alone.array("probabilities")[0], together.array("probabilities")[row], rtol=1e-6, atol=1e-7
        )


def test_it_takes_its_steps_one_by_one(predictor: TransformerPredictor) -> None:
    """Prepared rows can be joined and split by whoever forms batches."""
    assert isinstance(predictor, Staged)
    prepared = concat([predictor.prepare(texts([text])) for text in TEXTS])
    assert predictor.lengths(prepared).tolist() == [4, 2, 6, 4, 12, 5, 4]
    whole = predictor.predict(texts(TEXTS))
    for size in (1, 3):
        parts = split(prepared, [size] * (len(TEXTS) // size) + [len(TEXTS) % size])
        joined = concat([predictor.compute(part) for part in parts])
        np.testing.assert_allclose(
            joined.array("probabilities"), whole.array("probabilities"), rtol=1e-6, atol=1e-7
        )


def test_tokens_are_ragged_rows(predictor: TransformerPredictor) -> None:
    prepared = predictor.prepare(texts(["good film", ""]))
    ids = prepared["input_ids"]
    assert isinstance(ids, Ragged)
    assert [WORDS[number] for number in ids.values] == ["[CLS]", "good", "film", "[SEP]", "[CLS]", "[SEP]"]
    assert ids.offsets.tolist() == [0, 4, 6]


def test_no_texts_give_no_answers(predictor: TransformerPredictor) -> None:
    answers = predictor.predict(texts([]))
    assert answers.array("label").shape == (0,)
    assert answers.array("probabilities").shape == (0, 3)


def test_a_text_beyond_the_models_maximum_is_cut_and_says_so(predictor: TransformerPredictor) -> None:
    exactly, beyond = "good " * 10, "good " * 11
    answers = predictor.predict(texts([exactly, beyond, "good"]))
    assert answers.array(TRUNCATED).tolist() == [False, True, False]
    np.testing.assert_array_equal(answers.array("probabilities")[0], answers.array("probabilities")[1])


def test_a_text_is_shortened_behind_its_nth_token(predictor: TransformerPredictor) -> None:
    assert isinstance(predictor, Reader)
    assert predictor.shorten("good film", 2) is None
    assert predictor.shorten("Good  film the", 2) == "Good  film"
    assert predictor.shorten("goodly film", 1) == "good"


def test_half_a_surrogate_pair_is_no_text(predictor: TransformerPredictor) -> None:
    with pytest.raises(InvalidInput) as refused:
        predictor.predict(texts(["good", "\ud800"]))
    assert refused.value.pointer == "/1"
    with pytest.raises(InvalidInput):
        predictor.predict(texts([None]))


def test_it_can_be_shared_by_threads(predictor: TransformerPredictor) -> None:
    expected = predictor.predict(texts(TEXTS)).array("probabilities")
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: predictor.predict(texts(TEXTS)), range(64)):
            np.testing.assert_array_equal(found.array("probabilities"), expected)


def test_loading_it_imports_no_learning_library() -> None:
    code = (
        "import sys; import modelport.runtimes.transformer; "
        "assert 'tokenizers' not in sys.modules; import tokenizers; "
        "assert not {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        (PATH, b"{}"),
        (PATH, msgspec.json.encode(msgspec.structs.replace(SPEC, max_length=0))),
        (PATH, msgspec.json.encode(msgspec.structs.replace(SPEC, pad=99))),
        (PATH, msgspec.json.encode(msgspec.structs.replace(SPEC, feeds=("input_ids",)))),
        (PATH, msgspec.json.encode(msgspec.structs.replace(SPEC, max_length=1))),
    ],
    ids=["empty", "no tokens", "no such pad", "other feeds", "no room for its own tokens"],
)
def test_parts_that_do_not_fit_are_refused(path: str, data: bytes) -> None:
    with pytest.raises(BundleCorrupt):
        TransformerRuntime().load(Held({path: data}))


def test_the_tokenizer_itself_is_taken() -> None:
    """Also as its authors save it, with padding and truncation of their own."""
    saved = tokenizer()
    saved.enable_padding(length=4)
    saved.enable_truncation(4)
    predictor = TransformerRuntime().load(Held({TOKENIZER: saved.to_str().encode()}))
    assert predictor.lengths(predictor.prepare(texts(["", "the bad bad film"]))).tolist() == [2, 6]


_REGEX = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
_SLOW = {"type": "Sequence", "pretokenizers": [_REGEX]}
_BOMB = {
    "type": "Sequence",
    "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaa"}] * 3,
}
_ADDED = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": True}
_MODEL = msgspec.json.decode(tokenizer().to_str())["model"]


@pytest.mark.parametrize(
    "change",
    [
        {"pre_tokenizer": _SLOW},
        {"normalizer": _BOMB},
        {"normalizer": {"type": "Prepend", "prepend": "a" * 1000}},
        {"normalizer": {"type": "Python"}},
        {"pre_tokenizer": [1, 2]},
        {"model": {"type": "Remote"}},
        {"model": _MODEL | {"max_input_chars_per_word": 1 << 20}},
        {"model": _MODEL | {"vocab": _MODEL["vocab"] | {"beyond": len(WORDS)}}},
        {"model": _MODEL | {"vocab": _MODEL["vocab"] | {"beyond": "7"}}},
        {"model": {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []}},
        {"added_tokens": [{"id": len(WORDS), "content": "!", "special": True}]},
        {"post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 99], "cls": ["[CLS]", 2]}},
    ],
    ids=[
        "catastrophic pattern", "text bomb", "long beginning", "unknown part", "no object", "unknown model",
        "endless words", "number beyond the embedding", "number that is none", "random merges",
        "added beyond", "around beyond",
    ],
)  # fmt: skip
def test_a_hostile_tokenizer_is_refused_before_it_is_built(change: dict[str, Any]) -> None:
    document = msgspec.json.decode(tokenizer().to_str()) | change
    with pytest.raises(BundleRefused) as refused:
        TransformerRuntime().load(Held({TOKENIZER: msgspec.json.encode(document)}))
    assert refused.value.code == "tokenizer-refused"


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}},
        {"model": {"type": "Unigram", "unk_id": 99, "vocab": [["a", 0.0]]}},
        {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}},
        {"added_tokens": [{"id": 5, "content": "x" * size, **_ADDED} for size in range(1, 40)]},
    ],
    ids=["broken table", "unknown number", "merges of nothing", "numbers given anew"],
)
def test_a_broken_tokenizer_is_refused_when_it_is_loaded(change: dict[str, Any]) -> None:
    """Some of these make the library panic, which is no exception in Python."""
    document = msgspec.json.decode(tokenizer().to_str()) | change
    with pytest.raises(BundleCorrupt):
        TransformerRuntime().load(Held({TOKENIZER: msgspec.json.encode(document)}))


def test_a_tokenizer_without_a_token_for_unknown_words_fails_on_those_alone() -> None:
    document = msgspec.json.decode(tokenizer().to_str())
    document["model"] |= {"type": "WordLevel", "unk_token": "never"}
    predictor = TransformerRuntime().load(Held({TOKENIZER: msgspec.json.encode(document)}))
    assert predictor.predict(texts(["good film"])).rows == 1
    with pytest.raises(ModelFailed, match="tokenizer"):
        predictor.predict(texts(["nobody knows"]))


def test_a_tokenizer_that_outgrows_the_maximum_is_refused() -> None:
    """A template may repeat the text, and no truncation counts that."""
    document = msgspec.json.decode(tokenizer().to_str())
    document["post_processor"]["single"] *= 3
    with pytest.raises(BundleCorrupt):
        TransformerRuntime().load(Held({TOKENIZER: msgspec.json.encode(document)}))


@settings(max_examples=60, deadline=None)
@given(lengths=st.lists(st.integers(0, 40), max_size=60), most=st.integers(1, 200))
def test_runs_hold_every_row_once_and_keep_to_their_size(lengths: list[int], most: int) -> None:
    found = list(runs(np.array(lengths, np.int64), most))
    assert sorted(place for run in found for place in run.tolist()) == list(range(len(lengths)))
    for run in found:
        assert len(run) == 1 or len(run) * max(lengths[place] for place in run) <= most


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=8), data=st.data())
def test_padded_rows_are_the_rows_and_nothing_else(rows: list[list[int]], data: st.DataObject) -> None:
    places = np.array(data.draw(st.permutations(range(len(rows)))), np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    values = np.array([value for row in rows for value in row], np.int64)
    filled, own = padded(Ragged(values, offsets), places, 0)
    assert filled.shape[1] == max(1, *map(len, rows))
    assert [row[mine].tolist() for row, mine in zip(filled, own, strict=True)] == [rows[at] for at in places]
    assert not filled[~own].any()
