"""What the outputs of a graph mean: the fixed tensors of the task, in the graph and in arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from modelport.compile.compiled import Outputs
from modelport.compile.onnx_names import check, own_names, renamed
from modelport.core.manifest import Label
from modelport.core.signature import Field, Task
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

_FLOATS = {"FP32", "FP64"}
_SECOND = "second"

Reading = Literal["probabilities", "scores", "probability", "score"]
"""A table of probabilities or scores, or the one of the second of two classes."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How a graph's outputs become those of its task.

    Attributes:
        task, labels: as in `compiled.Compiled`.
        fields: what callers see.
        source: the graph's own name of the one output that is read; empty when all are.
        reading: what the numbers say of the classes.
    """

    task: Task
    labels: tuple[Label, ...] | None
    fields: tuple[Field, ...]
    source: str = ""
    reading: Reading | None = None

    def of(self, values: Mapping[str, Array]) -> Outputs:
        """The outputs of the task, made of a model's own."""
        if not self.source:
            return {field.name: values[field.name] for field in self.fields}
        own = values[self.source]
        if self.reading is None:
            return {self.fields[0].name: _flat(own) if len(self.fields[0].shape) == 1 else own}
        return _read(own, self.reading)

    def graph(self, data: bytes, doors: Mapping[str, str]) -> bytes:
        """The graph with the fixed names; `doors` are the public names of its inputs."""
        if not self.source:
            return renamed(data, doors, own_names(self.fields), None)
        if self.reading in {"probabilities", "scores"}:
            return renamed(data, doors, {self.source: self.fields[1].name}, self.fields[1].name)
        if self.reading is None:
            return renamed(data, doors, {self.source: self.fields[0].name}, None)
        return _with_two_classes(renamed(data, doors, {self.source: _SECOND}, None), self)


def answers(
    data: bytes,
    outputs: Sequence[Field],
    values: Callable[[], Mapping[str, Array]],
    labels: Sequence[Label] | None,
    task: Task,
) -> Answers:
    """The outputs of `task` in a graph; `values` asks it for the sample, where its numbers must be seen.

    A class is the place of the largest of a row's probabilities or scores; one number per row is about the
    second of two classes: its probability where a sigmoid made it, else its score, cut at zero. Raises
    `Unsupported` (`task-mismatch`, `labels`).
    """
    if task == "classification":
        return _classification(data, _one(outputs, {1, 2}), values, labels)
    if labels:
        msg = f"labels were given, but the task is {task}"
        raise Unsupported(msg, code="labels")
    if task == "tensors":
        return Answers(task, None, tuple(outputs))
    fixed: Mapping[Task, tuple[str, set[int]]] = {
        "regression": ("value", {1, 2}),
        "transform": ("values", {2}),
    }
    if task not in fixed:
        msg = f"a graph cannot be packed as {task}"
        hint = "use classification, regression, transform or tensors"
        raise Unsupported(msg, code="task-mismatch", hint=hint)
    name, ranks = fixed[task]
    own = _one(outputs, ranks)
    shape = (-1,) if own.shape[1:] == (1,) and task == "regression" else own.shape
    return Answers(task, None, (Field(name, own.dtype, shape),), own.name)


def _classification(
    data: bytes, own: Field, values: Callable[[], Mapping[str, Array]], labels: Sequence[Label] | None
) -> Answers:
    table = values()[own.name]
    single = table.ndim == 1 or table.shape[1] == 1
    reading = _single(data, own) if single else _several(table)
    classes = 2 if single else int(table.shape[1])
    names = tuple(labels) if labels else tuple(range(classes))
    if len(names) != classes:
        msg = f"{len(names)} labels were given, the graph has {classes} classes"
        raise Unsupported(msg, code="labels")
    name, shape = ("scores", (-1,)) if reading == "score" else (_NAMES[reading], (-1, classes))
    fields = (Field("label", "INT64", (-1,)), Field(name, own.dtype, shape))
    return Answers("classification", names, fields, own.name, reading)


_NAMES: Mapping[Reading, str] = {
    "probabilities": "probabilities",
    "probability": "probabilities",
    "scores": "scores",
    "score": "scores",
}


def _one(outputs: Sequence[Field], ranks: set[int]) -> Field:
    """The first float output of such a rank."""
    found = [field for field in outputs if field.dtype in _FLOATS and len(field.shape) in ranks]
    if not found:
        msg = "the graph has no float output of the shape this task answers with"
        raise Unsupported(msg, code="task-mismatch", hint="pack it with task='tensors'")
    return found[0]


def _several(values: Array) -> Reading:
    likely = bool((values >= 0).all() and np.allclose(values.sum(axis=1), 1.0, atol=1e-4))
    return "probabilities" if likely else "scores"


def _single(data: bytes, own: Field) -> Reading:
    return "probability" if ends_in(data, own.name, "Sigmoid") else "score"


def ends_in(data: bytes, output: str, operator: str) -> bool:
    """Whether `operator` made an output, with nothing but changes of name and shape behind it."""
    import onnx

    makers = {name: node for node in onnx.load_model_from_string(data).graph.node for name in node.output}
    node = makers.get(output)
    while node is not None and node.op_type in {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}:
        node = makers.get(node.input[0])
    return node is not None and node.op_type == operator


def _flat(values: Array) -> Array:
    return values.reshape(len(values))


def _read(own: Array, reading: Reading) -> Outputs:
    if reading in {"probabilities", "scores"}:
        return {"label": own.argmax(axis=1), _NAMES[reading]: own}
    column = _flat(own)
    if reading == "score":
        return {"label": (column > 0).astype(np.int64), "scores": column}
    both = np.stack([1 - column, column], axis=1)
    return {"label": both.argmax(axis=1), "probabilities": both}


def _with_two_classes(data: bytes, answers: Answers) -> bytes:
    """The graph answering label and probabilities (or scores) of two classes for one number."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_model_from_string(data)
    graph, values = model.graph, answers.fields[1]
    kind = graph.output[0].type.tensor_type.elem_type
    constants = {"label/one": np.array([-1], np.int64), "label/two": np.array([-1, 1], np.int64)}
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    graph.node.extend(_score_nodes() if answers.reading == "score" else _probability_nodes(kind))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("label", onnx.TensorProto.INT64, [None]))
    graph.output.append(helper.make_tensor_value_info(values.name, kind, [None, *values.shape[1:]]))
    check(model)
    return bytes(model.SerializeToString(deterministic=True))


def _score_nodes() -> list[Any]:
    import onnx
    from onnx import helper

    return [
        helper.make_node("Reshape", [_SECOND, "label/one"], ["scores"]),
        helper.make_node("Sign", ["scores"], ["label/sign"]),
        helper.make_node("Relu", ["label/sign"], ["label/above"]),
        helper.make_node("Cast", ["label/above"], ["label"], to=onnx.TensorProto.INT64),
    ]


def _probability_nodes(kind: int) -> list[Any]:
    from onnx import helper

    one = helper.make_tensor("one", kind, [1], [1.0])
    return [
        helper.make_node("Constant", [], ["label/all"], value=one),
        helper.make_node("Reshape", [_SECOND, "label/two"], ["label/second"]),
        helper.make_node("Sub", ["label/all", "label/second"], ["label/first"]),
        helper.make_node("Concat", ["label/first", "label/second"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
