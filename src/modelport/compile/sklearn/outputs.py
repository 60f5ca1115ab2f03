"""From the converted graph's outputs to the fixed outputs of the task.

The original's own answers say which outputs there are and which shape a row has; the graph is brought to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelport.compile.compiled import Outputs
from modelport.compile.sklearn.nodes import Nodes
from modelport.compile.sklearn.tasks import Meaning
from modelport.core.manifest import Label
from modelport.core.signature import DType, Field

_INDICES = {"label", "labels", "cluster"}
_SECOND = {"probabilities", "scores"}


def fields(answers: Outputs, floating: DType) -> tuple[Field, ...]:
    """The signature's outputs for answers of these names and shapes."""
    return tuple(
        Field(name, "INT64" if name in _INDICES else floating, (-1, *values.shape[1:]))
        for name, values in answers.items()
    )


Layout = Literal["matrix", "sequence", "cube"]
"""How a converter gives the probabilities of several targets: `[n, t]` or `[n, 2t]`, one `[n, 2]` per target,
or `[t, n, 2]`."""


def lead_out(found: Sequence[Field], results: Sequence[str], meaning: Meaning, layout: Layout) -> Nodes:
    """The nodes from the converted graph's outputs (`results`, in its order) to the fields."""
    nodes = Nodes("out_")
    for field in found:
        source = results[1] if field.name in _SECOND else results[0]
        if field.name in _INDICES:
            _indexed(nodes, field, source, meaning)
        elif meaning.task == "multilabel":
            nodes.cast(_last_classes(nodes, field, source, layout), _floating(field), output=field.name)
        else:
            _shaped(nodes, field, source)
    return nodes


def _shaped(nodes: Nodes, field: Field, source: str) -> None:
    nodes.cast(_rows(nodes, field, source), _floating(field), output=field.name)


def _floating(field: Field) -> npt.DTypeLike:
    return np.float32 if field.dtype == "FP32" else np.float64


def _last_classes(nodes: Nodes, field: Field, source: str, layout: Layout) -> str:
    """The probability of every target's second class, `[n, t]`, however the converter laid them out."""
    targets = field.shape[1]
    if layout == "sequence":
        picked = [nodes.node("SequenceAt", source, nodes.constant(target)) for target in range(targets)]
        return nodes.node("Concat", *(_last(nodes, each) for each in picked), axis=1)
    if layout == "cube":
        seconds = nodes.node("Gather", source, nodes.constant(1), axis=2)
        return nodes.node("Transpose", seconds, perm=[1, 0])
    # The second classes come last, after the first ones where a converter gives both.
    return nodes.node("Gather", source, nodes.constant(list(range(-targets, 0))), axis=1)


def _last(nodes: Nodes, source: str) -> str:
    return nodes.node("Gather", source, nodes.constant([-1]), axis=1)


def _rows(nodes: Nodes, field: Field, source: str) -> str:
    """`source` as `[n, k]`, or as `[n]`: its last column, which between two classes is the second one's."""
    flat = nodes.node("Flatten", source, axis=1)
    return flat if len(field.shape) == 2 else nodes.node("Gather", flat, nodes.constant(-1), axis=1)


def _indexed(nodes: Nodes, field: Field, source: str, meaning: Meaning) -> None:
    if meaning.task == "clustering":
        nodes.cast(_rows(nodes, field, source), np.int64, output=field.name)
    elif meaning.task == "outlier":
        _looked_up(nodes, field, source, (-1, 1))
    else:
        _looked_up(nodes, field, source, meaning.classes)


def _looked_up(nodes: Nodes, field: Field, source: str, classes: tuple[Label, ...]) -> None:
    """Class values (texts, or whole numbers by then) into their positions."""
    texts = isinstance(classes[0], str)
    keys = {"keys_strings": list(classes)} if texts else {"keys_int64s": [int(value) for value in classes]}
    values = _text_rows(nodes, field, source) if texts else _rows(nodes, field, source)
    whole = values if texts else nodes.cast(values, np.int64)
    nodes.node(
        "LabelEncoder",
        whole,
        output=field.name,
        domain="ai.onnx.ml",
        values_int64s=list(range(len(classes))),
        default_int64=-1,
        **keys,
    )


def _text_rows(nodes: Nodes, field: Field, source: str) -> str:
    shape = [-1] if len(field.shape) == 1 else [-1, field.shape[1]]
    return nodes.node("Reshape", source, nodes.constant(shape))
