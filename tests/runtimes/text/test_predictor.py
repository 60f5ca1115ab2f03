"""The text runtime: what it loads, what it answers, and what it refuses to load."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest

from modelport.core.manifest import Manifest, Parameters
from modelport.core.signature import Field, Signature, Task
from modelport.errors import BundleCorrupt, BundleRefused, InvalidInput
from modelport.runtimes.batch import Batch
from modelport.runtimes.text import arrays, columns
from modelport.runtimes.text.predictor import TextRuntime
from modelport.runtimes.text.spec import (
    PATH,
    AnalyzerSpec,
    Block,
    Features,
    Hashing,
    Linear,
    TextModel,
    Vocabulary,
    Weighting,
)

WORDS = Vocabulary("model/vocabulary-0.json", 3)
MODEL = TextModel(
    Features((Block(AnalyzerSpec("word"), WORDS, weightings=(Weighting(idf="model/idf-0.npy"),)),)),
    Linear("model/weights.npy", "model/intercept.npy", outputs=1, link="logistic"),
)


@dataclass(frozen=True)
class Held:
    """Files in memory: three terms (bad, fine, good) with idf 1, 2, 3 and weights -1, 0, 1."""

    changed: dict[str, bytes] = field(default_factory=dict)
    model: TextModel = MODEL
    task: Task = "classification"

    @property
    def manifest(self) -> Manifest:
        signature = Signature("text", (Field("text", "BYTES", (-1,)),), ())
        return Manifest(1, "text", self.task, signature, ("down", "up"), (), Parameters(), ())

    def read(self, path: str) -> bytes:
        files = {
            PATH: msgspec.json.encode(self.model),
            "model/vocabulary-0.json": b'["bad","fine","good"]',
            "model/idf-0.npy": arrays.dump([1.0, 2.0, 3.0]),
            "model/weights.npy": arrays.dump([[-1.0], [0.0], [1.0]]),
            "model/intercept.npy": arrays.dump([0.5]),
        }
        return {**files, **self.changed}[path]


def texts(values: list[Any]) -> Batch:
    column = np.empty(len(values), object)
    column[:] = values
    return Batch(len(values), {"text": column})


def test_a_text_is_answered_from_its_known_terms() -> None:
    answers = TextRuntime().load(Held()).predict(texts(["Good, good film", "bad", "unknown", ""]))
    assert answers.array("label").tolist() == [1, 0, 1, 1]
    scores = np.array([6.5, -0.5, 0.5, 0.5])
    np.testing.assert_allclose(answers.array("probabilities")[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-15)


def test_no_texts_give_no_answers() -> None:
    answers = TextRuntime().load(Held()).predict(texts([]))
    assert answers.array("label").shape == (0,)
    assert answers.array("probabilities").shape == (0, 2)


@pytest.mark.parametrize("value", [None, 3, b"good", float("nan")])
def test_a_cell_that_is_no_text_is_refused_with_its_row(value: Any) -> None:
    with pytest.raises(InvalidInput, match="row 1 is not text"):
        TextRuntime().load(Held()).predict(texts(["good", value]))


def test_half_a_surrogate_pair_cannot_be_hashed() -> None:
    block = Block(AnalyzerSpec("char"), Hashing(3, alternate_sign=True))
    predictor = TextRuntime().load(Held(model=TextModel(Features((block,)), MODEL.head)))
    with pytest.raises(InvalidInput, match="surrogate"):
        predictor.predict(texts(["ab\ud800cd"]))


DAMAGE: dict[str, dict[str, bytes]] = {
    "no document": {PATH: b"{"},
    "unknown member": {PATH: msgspec.json.encode(MODEL)[:-1] + b',"code":"x"}'},
    "pickle": {"model/weights.npy": b"\x80\x04."},
    "objects": {"model/weights.npy": arrays.dump([[0.0]] * 3).replace(b"<f8", b"|O8")},
    "other shape": {"model/weights.npy": arrays.dump([[0.0]] * 4)},
    "flat": {"model/weights.npy": arrays.dump([0.0] * 3)},
    "cut short": {"model/weights.npy": arrays.dump([[0.0]] * 3)[:-1]},
    "too long": {"model/weights.npy": arrays.dump([[0.0]] * 3) + b"\0"},
    "not finite": {"model/idf-0.npy": arrays.dump([1.0, np.inf, 1.0])},
    "huge header": {"model/idf-0.npy": b"\x93NUMPY\x01\x00\xff\xff" + b" " * 65535},
    "version 2": {"model/idf-0.npy": b"\x93NUMPY\x02\x00" + arrays.dump([1.0, 1.0, 1.0])[8:]},
    "repeated term": {"model/vocabulary-0.json": b'["bad","bad","good"]'},
    "too few terms": {"model/vocabulary-0.json": b'["bad"]'},
    "terms that are not text": {"model/vocabulary-0.json": b"[1,2,3]"},
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_data_is_never_loaded(name: str) -> None:
    with pytest.raises(BundleCorrupt):
        TextRuntime().load(Held(DAMAGE[name]))


@pytest.mark.parametrize("pattern", ["(", "(a)(b)", "a{99999999999999999999}"])
def test_an_unusable_pattern_is_never_loaded(pattern: str) -> None:
    block = Block(AnalyzerSpec("word", token_pattern=pattern), WORDS)
    with pytest.raises(BundleCorrupt):
        TextRuntime().load(Held(model=TextModel(Features((block,)), MODEL.head)))


def test_a_pattern_that_a_text_could_keep_busy_is_never_loaded() -> None:
    block = Block(AnalyzerSpec("word", token_pattern=r"(?:\w+\.?)+@"), WORDS)
    with pytest.raises(BundleRefused, match="share") as caught:
        TextRuntime().load(Held(model=TextModel(Features((block,)), MODEL.head)))
    assert caught.value.code == "slow-pattern"


def test_a_task_without_a_linear_form_is_never_loaded() -> None:
    with pytest.raises(BundleCorrupt, match="clustering"):
        TextRuntime().load(Held(task="clustering"))


@pytest.mark.parametrize("kind", ["words", "hashes"])
def test_remembered_words_change_no_answer_and_stay_bounded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many threads and a memory of four words: answers are those of a fresh predictor."""
    monkeypatch.setattr(columns, "WORDS_REMEMBERED", 4)
    monkeypatch.setattr(columns, "TERMS_REMEMBERED", 4)
    spec = AnalyzerSpec("char_wb", (3, 4))
    block = Block(spec, WORDS if kind == "words" else Hashing(3, alternate_sign=True))
    held = Held(
        {"model/vocabulary-0.json": b'[" ba","goo","ood"]'}, TextModel(Features((block,)), MODEL.head)
    )
    inputs = [texts([f"good{n} bad{n % 7}", "good bad fine"]) for n in range(200)]
    shared = TextRuntime().load(held)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(shared.predict, inputs))
    for batch, answer in zip(inputs, found, strict=True):
        fresh = TextRuntime().load(held).predict(batch)
        assert np.array_equal(answer.array("probabilities"), fresh.array("probabilities"))


def test_long_terms_are_hashed_but_not_remembered() -> None:
    """A caller of long words must not fill the memory of a server."""
    hashed = columns.Hashed(str.split, 1000, alternate_sign=False)
    long = "x" * 5_000
    first = hashed.count([f"short {long}", long])
    assert first == hashed.count([f"{long} short", long])
    assert sum(first[0].values()) == 2
    assert list(hashed._codes) == ["short"]


def test_serving_text_needs_no_scikit_learn() -> None:
    """The runtime loads with the compile-time libraries blocked."""
    code = (
        "import sys\n"
        "for name in ('sklearn', 'scipy', 'onnx', 'skl2onnx', 'pandas'): sys.modules[name] = None\n"
        "from modelport.runtimes.text.predictor import TextRuntime\n"
        "TextRuntime()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
