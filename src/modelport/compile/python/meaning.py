"""What the answers of a Python model mean, found out from the answers themselves where nobody said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelport.compile.columns import is_missing
from modelport.compile.sample import TEXT, VECTOR, Sample
from modelport.compile.sklearn.inputs import Traits, fields
from modelport.core.manifest import Label
from modelport.core.signature import DType, Field, Signature, Task
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.dtypes import NUMPY
from modelport.runtimes.python.exchange import MAIN

_DTYPES: Mapping[str, DType] = {
    np.dtype(dtype).name: name for name, dtype in NUMPY.items() if dtype is not object
}


_ENTITIES = (
    Field("text", "BYTES", (-1, -1)),
    Field("label", "INT64", (-1, -1)),
    Field("start", "INT64", (-1, -1)),
    Field("end", "INT64", (-1, -1)),
    Field("score", "FP32", (-1, -1)),
)


def task_of(answers: Batch, labels: Sequence[Label] | None) -> Task:
    """Texts, truth values and whatever has labels are classes; numbers a regression, rows of them a vector.

    Several outputs by other names than those of a task are `tensors`.
    """
    names = set(answers.tensors)
    if "label" in names:
        return "classification"
    for task, main in MAIN.items():
        if main in names and main != "label":
            return task
    if names != {""}:
        return "tensors"
    values = answers.array("")
    if labels or values.dtype.kind in "Ob":
        return "classification"
    return "regression" if values.ndim == 1 else "transform"


def labels_of(task: Task, answers: Batch, said: Sequence[Label] | None) -> tuple[Label, ...] | None:
    """The labels: those that were said, or all that the sample shows. Raises `Unsupported` for none."""
    if task == "outlier":
        return ("outlier", "inlier")
    if task not in {"classification", "entities"}:
        return None
    if said:
        return tuple(said)
    if task == "entities":
        return tuple(sorted({each["label"] for row in _main(task, answers).tolist() for each in row}))
    if "probabilities" in answers.tensors or "scores" in answers.tensors:
        msg = "nobody said in which order the model's probabilities are"
        raise Unsupported(msg, code="labels", hint="give labels, or let the class have `labels`")
    values = _main(task, answers)
    seen = sorted(set(values.reshape(-1).tolist()))
    if all(isinstance(label, str | int | bool | float) for label in seen):
        return tuple(seen)
    msg = "the model answers neither numbers nor labels"
    raise Unsupported(msg, code="task-mismatch", hint="answer a dict of outputs by name")


def answered(task: Task, answers: Batch) -> dict[str, Array]:
    """The answers under the names that their task has for them."""
    return {name or MAIN.get(task, name): answers.array(name) for name in answers.tensors}


def signature_of(sample: Sample, task: Task, answers: Mapping[str, Array]) -> Signature:
    """What the model takes, as the sample shows, and what it answers, as its answers show."""
    if task == "entities":
        return Signature(sample.item, _inputs(sample), _ENTITIES)
    outputs = [_output(name, values) for name, values in answers.items()]
    main = MAIN.get(task)
    outputs.sort(key=lambda field: field.name != main)  # the answer itself comes first
    return Signature(sample.item, _inputs(sample), tuple(outputs))


def _output(name: str, values: Array) -> Field:
    if name == "label":
        return Field(name, "INT64", (-1,))
    if values.dtype.kind == "O":
        return Field(name, "BYTES", (-1,))
    return Field(name, _DTYPES[values.dtype.name], (-1, *values.shape[1:]))


def _inputs(sample: Sample) -> tuple[Field, ...]:
    if sample.item == "text":
        return (Field(TEXT, "BYTES", (-1,)),)
    if sample.item == "tensors":
        return tuple(_output(name, sample.batch.array(name)) for name in sample.batch.tensors)
    names = [VECTOR] if sample.item == "vector" else list(sample.columns)
    return fields(sample, {name: Traits(_missing(sample.batch.array(name))) for name in names}, "FP64")


def _missing(values: Array) -> bool:
    """Whether the sample shows an absent value: then the model knows them."""
    if values.dtype.kind == "f":
        return bool(np.isnan(values).any())
    return values.dtype.kind == "O" and any(is_missing(value) for value in values.ravel())


def _main(task: Task, answers: Batch) -> Array:
    name = MAIN[task]
    values: Any = answers.tensors.get(name, answers.tensors.get(""))
    found: Array = values
    return found
