"""Entities: spans with labels, as the models themselves name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.compile.transformers.architectures import made
from tests.compile.transformers.conftest import TEXTS
from tests.compile.transformers.test_compile import loaded

import modelport
from modelport.compile.pack_file import pack_file
from modelport.compile.sample import Sample
from modelport.errors import Unsupported

pytestmark = pytest.mark.extras

CLASSES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]
NAMES = {"id2label": dict(enumerate(CLASSES)), "label2id": {name: at for at, name in enumerate(CLASSES)}}


@pytest.mark.parametrize("name", ["Bert", "DistilBert", "Roberta", "Electra", "DebertaV2"])
def test_entities_are_those_of_the_model(name: str, tokenizer: Any) -> None:
    packed = modelport.pack(
        (made(name, "ForTokenClassification", **NAMES), tokenizer), name="who", sample=TEXTS
    )
    assert packed.manifest.task == "entities"
    assert packed.manifest.labels == ("PER", "ORG")
    assert packed.parity.edge_rows > 30


def test_they_are_those_of_its_pipeline(tokenizer: Any, tmp_path: Path) -> None:
    """With the first token of a word speaking for it, as the pipeline calls it."""
    from transformers import TokenClassificationPipeline

    model = made("Bert", "ForTokenClassification", **NAMES)
    pipeline = TokenClassificationPipeline(model=model, tokenizer=tokenizer, aggregation_strategy="first")
    packed = modelport.pack(pipeline, name="who", sample=TEXTS)
    answers = loaded(packed, tmp_path).predict(Sample.of(TEXTS).batch)
    labels, starts, ends, scores, texts = (
        np.split(answers[name].values, answers[name].offsets[1:-1])
        for name in ("label", "start", "end", "score", "text")
    )
    assert packed.manifest.labels is not None
    assert sum(map(len, labels)) > 5
    for row, said in enumerate(pipeline(TEXTS)):
        assert [packed.manifest.labels[at] for at in labels[row]] == [each["entity_group"] for each in said]
        assert starts[row].tolist() == [each["start"] for each in said]
        assert ends[row].tolist() == [each["end"] for each in said]
        assert texts[row].tolist() == [TEXTS[row][each["start"] : each["end"]] for each in said]
        np.testing.assert_allclose(scores[row], [each["score"] for each in said], atol=1e-5)


def test_a_folder_is_loaded_in_the_sandbox(saved: Callable[[Any], Path], tmp_path: Path) -> None:
    (tmp_path / "sample.txt").write_text("\n".join(TEXTS))
    folder = saved(made("Bert", "ForTokenClassification", **NAMES))
    packed = pack_file(folder, name="who", sample_path=tmp_path / "sample.txt", allow_weak_sandbox=True)
    assert packed.manifest.labels == ("PER", "ORG")


def test_fewer_bits_are_refused_as_long_as_nobody_can_tell_what_they_lose(tokenizer: Any) -> None:
    model = made("Bert", "ForTokenClassification", **NAMES)
    with pytest.raises(Unsupported) as refused:
        modelport.pack((model, tokenizer), name="who", sample=TEXTS, quantize="int8")
    assert refused.value.code == "not-quantized"
