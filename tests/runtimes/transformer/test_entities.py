"""From classes of words to entities."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.runtimes.transformer.test_predictor import texts
from tests.runtimes.transformer.tiny import SPEC
from tests.runtimes.transformer.tiny import entities as held

from modelport.core.golden import Golden
from modelport.errors import BundleCorrupt, ModelFailed
from modelport.runtimes.base import TRUNCATED
from modelport.runtimes.batch import Ragged
from modelport.runtimes.golden import golden_of, replay
from modelport.runtimes.transformer.entities import Entity, Marks, entities
from modelport.runtimes.transformer.runtime import TransformerRuntime
from modelport.runtimes.transformer.spec import PATH, Tag

NONE, B_PER, I_PER, B_ORG, I_ORG = range(5)
TAGS = (Tag(), Tag(0, begins=True), Tag(0), Tag(1, begins=True), Tag(1))


def found(*classes: int) -> list[tuple[int, int, int]]:
    """Label, first and last word of each entity."""
    words = np.arange(len(classes))
    marks = Marks(np.array(classes, np.int64), np.ones(len(classes), np.float32), words, words)
    return [(each.label, each.start, each.end) for each in entities(TAGS, marks)]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ([], []),
        ([NONE, NONE], []),
        ([B_PER, I_PER, NONE, B_ORG], [(0, 0, 1), (1, 3, 3)]),
        ([B_PER, B_PER], [(0, 0, 0), (0, 1, 1)]),
        ([I_PER, I_PER], [(0, 0, 1)]),
        ([B_PER, I_ORG, I_ORG], [(0, 0, 0), (1, 1, 2)]),
        ([NONE, I_ORG, NONE, I_ORG], [(1, 1, 1), (1, 3, 3)]),
    ],
)
def test_words_of_one_label_are_one_entity_until_one_begins(
    classes: list[int], expected: list[tuple[int, int, int]]
) -> None:
    assert found(*classes) == expected


def test_the_score_is_the_mean_of_the_words() -> None:
    marks = Marks(np.array([B_PER, I_PER]), np.array([0.5, 1.0]), np.array([0, 4]), np.array([3, 9]))
    assert entities(TAGS, marks) == [Entity(0, 0, 9, 0.75)]


ITEMS = ["good film, bad film", "", "  the  Film ", "a bad good film " * 5, "\U0001f600 great é film"]


def test_entities_are_places_in_the_callers_text() -> None:
    answers = TransformerRuntime().load(held()).predict(texts(ITEMS))
    parts = {name: answers[name] for name in ("text", "start", "end", "score")}
    assert all(isinstance(each, Ragged) for each in parts.values())
    rows = {
        name: np.split(each.values, each.offsets[1:-1])
        for name, each in parts.items()
        if isinstance(each, Ragged)
    }
    assert len(rows["text"]) == len(ITEMS)
    assert sum(map(len, rows["text"])) > 3
    for item, spans, starts, ends in zip(ITEMS, rows["text"], rows["start"], rows["end"], strict=True):
        assert [item[start:end] for start, end in zip(starts, ends, strict=True)] == spans.tolist()
        assert all(span == span.strip() and span for span in spans)
    assert answers.array(TRUNCATED).tolist() == [False, False, False, True, False]


def test_golden_rows_of_entities_are_replayed() -> None:
    predictor = TransformerRuntime().load(held())
    inputs = texts(ITEMS)
    answers = predictor.predict(inputs)
    outputs = {field.name: answers[field.name] for field in held().signed}
    golden = msgspec.json.decode(msgspec.json.encode(golden_of(inputs, outputs, 1e-3)), type=Golden)
    replay(predictor, golden, held().manifest.signature)
    golden.outputs["start"][0] = golden.outputs["start"][0][1:]
    with pytest.raises(ModelFailed, match="row 0"):
        replay(predictor, golden, held().manifest.signature)


def test_classes_without_a_meaning_are_refused() -> None:
    for tags in ((), (Tag(2),)):
        spec = msgspec.json.encode(msgspec.structs.replace(SPEC, tags=tags))
        with pytest.raises(BundleCorrupt):
            TransformerRuntime().load(held({PATH: spec}))
