"""A spaCy pipeline as code and data of a bundle."""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from modelport.compile.python.code import Code, version_of
from modelport.errors import Unsupported
from modelport.runtimes.python.spec import FOLDER, PythonModel

_UNUSED = {"attribute_ruler", "lemmatizer", "morphologizer", "parser", "senter", "sentencizer", "tagger"}
"""Components that neither entities nor categories depend on: they would cost time and memory for nothing."""
_REQUIRED = ("numpy", "spacy")


def collect(nlp: Any) -> Code:
    """The pipeline `nlp`, for its entities (`ner`, `entity_ruler`) or its categories (`textcat`).

    Raises `Unsupported` for a pipeline with neither.
    """
    known = _known(nlp)
    content = {"served.json": json.dumps(known, sort_keys=True).encode(), **_saved(nlp, known["exclude"])}
    code = files("modelport.compile.spacy").joinpath("served.py").read_bytes()
    inside = {FOLDER + name: data for name, data in content.items()}
    requirements = {name: version_of(name) for name in _REQUIRED}
    return Code(
        PythonModel("spacy_served:Pipeline", requirements), {**inside, f"{FOLDER}spacy_served.py": code}
    )


def _known(nlp: Any) -> dict[str, Any]:
    names = set(nlp.pipe_names)
    exclude = sorted((names | set(nlp.disabled)) & _UNUSED)
    finders = [name for name in ("ner", "entity_ruler") if name in names]
    if finders:
        labels = sorted({label for name in finders for label in nlp.get_pipe(name).labels})
        return {"task": "entities", "labels": labels, "exclude": exclude}
    if "textcat" in names:
        labels = list(nlp.get_pipe("textcat").labels)
        return {"task": "classification", "labels": labels, "exclude": exclude}
    msg = f"the pipeline ({', '.join(sorted(names)) or 'empty'}) finds neither entities nor categories"
    raise Unsupported(msg, hint="pack a pipeline with ner, entity_ruler or textcat")


def _saved(nlp: Any, exclude: list[str]) -> dict[str, bytes]:
    """The pipeline in spaCy's own form on disk."""
    with tempfile.TemporaryDirectory(prefix="modelport-") as place:
        folder = Path(place) / "pipeline"
        nlp.to_disk(folder, exclude=exclude)
        found = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {f"pipeline/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in found}
