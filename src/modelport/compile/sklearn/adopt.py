"""A live scikit-learn model as the compile step sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.sample import Sample
from modelport.compile.sklearn import inputs, outputs
from modelport.compile.sklearn.convert import convert
from modelport.compile.sklearn.converters.lookup import MISSING_TEXT
from modelport.compile.sklearn.models import feature_names, last
from modelport.compile.sklearn.original import answer, rows_for
from modelport.compile.sklearn.tasks import Meaning, meaning
from modelport.core.manifest import Label, Step
from modelport.core.signature import DType, Field, Signature
from modelport.errors import Unsupported
from modelport.runtimes.batch import Batch, split

GRAPH = "model/graph.onnx"


def adopt(model: Any, sample: Sample, labels: Sequence[Label] | None = None) -> Adopted:
    """Prepare a fitted scikit-learn estimator or Pipeline for compilation.

    `labels` name the classes in the order of `classes_`. Candidates are `float32`, then `float64`. Raises
    `Unsupported` when the model, the sample and the labels do not fit together; a part without an ONNX form
    is refused when a candidate is built.
    """
    sample = _ordered(model, sample)
    rows = rows_for(model, sample)
    head = next(split(sample.batch, [min(2, len(sample))]))
    try:
        meant = meaning(model, rows(sample.batch), None if labels is None else tuple(labels))
        answers = answer(model, rows(head), meant)
    except (ValueError, TypeError) as error:
        raise _mismatch(model, error) from error

    def original(batch: Batch) -> Outputs:
        return answer(model, rows(batch), meant)

    subject = _Subject(model, sample, meant, answers, inputs.traits(sample, original))
    candidates = tuple(Candidate(name, partial(subject.compiled, name)) for name in _PRECISIONS)
    return Adopted(meant.task, meant.labels, candidates, original, _source(model))


_PRECISIONS: dict[str, tuple[Any, DType]] = {"float32": (np.float32, "FP32"), "float64": (np.float64, "FP64")}


@dataclass(frozen=True, slots=True)
class _Subject:
    """All that the candidates have in common."""

    model: Any
    sample: Sample
    meaning: Meaning
    answers: Outputs
    traits: Mapping[str, inputs.Traits]

    def compiled(self, precision: str) -> Compiled:
        dtype, floating = _PRECISIONS[precision]
        taken = inputs.fields(self.sample, self.traits, floating)
        given = outputs.fields(self.answers, floating)
        graph = convert(self.model, taken, given, self.meaning, dtype)
        return Compiled(
            runtime="onnx",
            task=self.meaning.task,
            signature=Signature(self.sample.item, taken, given),
            labels=self.meaning.labels,
            files={GRAPH: graph.SerializeToString(deterministic=True)},
            steps=_steps(taken),
            notes=(f"computes in {precision}",),
        )


def _mismatch(model: Any, error: Exception) -> Unsupported:
    reason = str(error).splitlines()[0][:300]
    msg = f"{type(last(model)).__name__} does not take the rows of the sample: {reason}"
    return Unsupported(
        msg, code="sample-mismatch", hint="give rows as they were before fitting, in the same columns"
    )


def _steps(fields: Sequence[Field]) -> tuple[Step, ...]:
    """Graph strings cannot be null: absent text is written as the mark that the encoders know."""
    return tuple(
        Step("fill_missing", {"column": field.name, "value": MISSING_TEXT})
        for field in fields
        if field.dtype == "BYTES" and field.missing
    )


def _ordered(model: Any, sample: Sample) -> Sample:
    """The sample with the model's own columns in the model's own order."""
    names = feature_names(model)
    if sample.item not in {"vector", "columns"}:
        msg = f"{type(last(model)).__name__} takes rows of a table, but the sample holds {sample.item}"
        raise Unsupported(msg, code="sample-mismatch", hint="give rows of the table it was fitted on")
    if names is None or not sample.columns or sample.positional:
        return sample
    # LightGBM writes the spaces of names as underscores.
    spaced = {name.replace(" ", "_"): name for name in sample.columns}
    names = tuple(name if name in sample.columns else spaced.get(name, name) for name in names)
    absent = [name for name in names if name not in sample.columns]
    if absent:
        msg = f"the sample has no column {absent[0]!r}, which the model was fitted on"
        raise Unsupported(msg, code="sample-mismatch", hint=f"give the columns {', '.join(names)}")
    return _picked(sample, names)


def _picked(sample: Sample, names: tuple[str, ...]) -> Sample:
    if sample.item == "columns":
        tensors = {name: sample.batch[name] for name in names}
        categories = {name: each for name, each in sample.categories.items() if name in names}
        return replace(sample, batch=Batch(len(sample), tensors), columns=names, categories=categories)
    places = [sample.columns.index(name) for name in names]
    matrix = np.ascontiguousarray(sample.batch.array("input")[:, places])
    return replace(sample, batch=Batch(len(sample), {"input": matrix}), columns=names)


def _source(model: Any) -> dict[str, str]:
    import skl2onnx
    import sklearn

    return {
        "framework": "scikit-learn",
        "estimator": type(model).__name__,
        "final": type(last(model)).__name__,
        "scikit-learn": sklearn.__version__,
        "skl2onnx": skl2onnx.__version__,
    }
