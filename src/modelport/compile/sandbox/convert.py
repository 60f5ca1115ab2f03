"""Inside the sandbox: load the model, compile every candidate, and record how the original answers."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.converted import ANSWERS, DOCUMENT, Built, Document, Recording
from modelport.compile.edges import edges
from modelport.compile.pieces import in_pieces
from modelport.compile.recorded import accepted
from modelport.compile.sample import Sample
from modelport.compile.sandbox.load import load
from modelport.compile.taken import as_taken
from modelport.errors import Unsupported
from modelport.runtimes.image.spec import ImageInput


def task(inputs: Mapping[str, Path], options: Mapping[str, Any]) -> Mapping[str, bytes]:
    """Answer the files that `compile.converted` describes. Options: `form`, `head_form`, `labels`, `task`,
    `signature`, `image`, and `without`, a column of the sample to leave out.

    Raises `Unsupported` when no candidate can be built.
    """
    # A hostile or merely old pickle may warn about anything; what matters is whether answers agree.
    warnings.simplefilter("ignore")
    sample = Sample.read(inputs["sample"], without=options.get("without"))
    model = load(inputs["model"], options["form"]) if "head" not in inputs else _headed(inputs, options)
    vectorizer = load(inputs["vectorizer"], options["form"]) if "vectorizer" in inputs else None
    return _Writer().write(_adopted(model, sample, vectorizer, options), sample)


def _headed(inputs: Mapping[str, Path], options: Mapping[str, Any]) -> Any:
    """The encoder in a folder with an estimator behind it."""
    from sklearn.pipeline import make_pipeline

    from modelport.compile.transformers.encoder import TextEncoder

    return make_pipeline(TextEncoder(inputs["model"]), load(inputs["head"], options["head_form"]))


def _adopted(model: Any, sample: Sample, vectorizer: Any, options: Mapping[str, Any]) -> Adopted:
    from modelport.compile.adopt import adopt

    chosen = {name: options.get(name) for name in ("task", "signature")}
    image = options.get("image")
    found = None if image is None else msgspec.convert(image, ImageInput)
    return adopt(model, sample, options["labels"], vectorizer=vectorizer, image=found, **chosen)[0]


class _Writer:
    """Collects the files of one conversion."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def write(self, adopted: Adopted, sample: Sample) -> Mapping[str, bytes]:
        built, refused = _build_all(adopted.candidates)
        document = Document(
            task=adopted.task,
            labels=adopted.labels,
            source={str(name): str(value) for name, value in adopted.source.items()},
            refused=refused,
            candidates=tuple(self._candidate(adopted, sample, name, each) for name, each in built.items()),
            original_us=_timings(adopted, as_taken(sample, next(iter(built.values())))),
        )
        return {DOCUMENT: msgspec.json.encode(document), **self._files}

    def _candidate(self, adopted: Adopted, sample: Sample, name: str, compiled: Compiled) -> Built:
        rows = as_taken(sample, compiled)
        original = in_pieces(adopted.original)
        return Built(
            name=name,
            runtime=compiled.runtime,
            task=compiled.task,
            signature=compiled.signature,
            labels=compiled.labels,
            steps=compiled.steps,
            notes=compiled.notes,
            files={path: self._keep(data, "bin") for path, data in compiled.files.items()},
            sample=self._keep_answers(np.ones(len(rows), np.bool_), original(rows.batch)),
            edges=self._keep_answers(*accepted(original, edges(rows, compiled.signature.inputs))),
        )

    def _keep_answers(self, taken: Any, answers: Outputs) -> Recording:
        return Recording(
            taken=self._keep(_npy(taken), "npy"),
            answers={name: self._keep(_npy(values), "npy") for name, values in answers.items()},
        )

    def _keep(self, data: bytes, ending: str) -> str:
        name = f"{ANSWERS}{len(self._files)}.{ending}"
        self._files[name] = data
        return name


def _build_all(candidates: tuple[Candidate, ...]) -> tuple[dict[str, Compiled], dict[str, str]]:
    built: dict[str, Compiled] = {}
    refused: dict[str, str] = {}
    first: Unsupported | None = None
    for candidate in candidates:
        try:
            built[candidate.name] = candidate.build()
        except Unsupported as error:
            first = first or error
            refused[candidate.name] = str(error)
    if not built and first is not None:
        raise first
    return built, refused


def _timings(adopted: Adopted, sample: Sample) -> dict[int, float]:
    from modelport.compile.speed import measure

    speed = measure(adopted.original, sample.batch, adopted.original, sample.batch)
    return {timing.rows: timing.original_us for timing in speed.timings}


def _npy(values: Any) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.ascontiguousarray(values), version=(1, 0), allow_pickle=False)
    return out.getvalue()
