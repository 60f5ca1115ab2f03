"""Models that are not linear: declarative features, rows made dense, and an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import msgspec
import numpy as np

from modelport.compile.compiled import Candidate, Compiled, Outputs
from modelport.compile.sample import VECTOR
from modelport.compile.sklearn import outputs
from modelport.compile.sklearn.convert import convert
from modelport.compile.text.stages import name_of
from modelport.compile.text.target import INPUTS, Target
from modelport.core.signature import Field, Signature
from modelport.errors import Unsupported
from modelport.runtimes.text.graph import WIDEST
from modelport.runtimes.text.spec import PATH, Graph, TextModel

GRAPH = "model/graph.onnx"

Precision = Literal["FP32", "FP64"]


def candidates(target: Target, answers: Outputs) -> tuple[Candidate, ...]:
    """Graphs in float32, then float64. Raises `Unsupported` when dense rows would be too wide."""
    width = target.written.width
    if width > WIDEST:
        msg = (
            f"{type(target.estimator).__name__} needs dense rows, and {width} columns are more than {WIDEST}"
        )
        raise Unsupported(
            msg, code="too-wide", hint="fit the vectorizer with max_features, or use a linear model"
        )
    return (
        Candidate("float32", partial(_compiled, target, answers, "FP32")),
        Candidate("float64", partial(_compiled, target, answers, "FP64")),
    )


def without_densifiers(steps: Sequence[Any], rows: Any) -> tuple[Any, ...]:
    """`steps` without functions that only make sparse rows dense, as shown by what they do to real `rows`.

    Raises `Unsupported` for a function that does anything else.
    """
    kept = []
    for step in steps:
        if name_of(step) != "FunctionTransformer":
            kept.append(step)
        elif not _same(step.transform(rows), rows):
            msg = "a FunctionTransformer runs a Python function on the features"
            raise Unsupported(msg, hint="fit without it; rows are made dense where a model needs that")
        rows = step.transform(rows)
    return tuple(kept)


def _same(found: Any, rows: Any) -> bool:
    return np.array_equal(_array(found), _array(rows))


def _array(rows: Any) -> Any:
    return rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)


def _compiled(target: Target, answers: Outputs, precision: Precision) -> Compiled:
    width = target.written.width
    given = outputs.fields(answers, precision)
    taken = (Field(VECTOR, precision, (-1, width)),)
    dtype = np.float32 if precision == "FP32" else np.float64
    graph = convert(_behind_features(target), taken, given, target.meaning, dtype)
    model = TextModel(target.written.features, Graph(GRAPH, VECTOR, width, precision))
    return Compiled(
        runtime="text",
        task=target.meaning.task,
        signature=Signature("text", INPUTS, given),
        labels=target.meaning.labels,
        files={
            PATH: msgspec.json.encode(model),
            GRAPH: graph.SerializeToString(deterministic=True),
            **target.written.files,
        },
        notes=(f"graph in {dtype.__name__} on dense rows of {width} columns", *target.written.notes),
    )


def _behind_features(target: Target) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*target.columns, target.estimator) if target.columns else target.estimator
