"""Plain ONNX: the graph is there already; it gets a signature, fixed names, and the same proof as others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelport.bundle.trust import audit_files
from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.compilers import Wanted
from modelport.compile.onnx_names import own_names, renamed
from modelport.compile.sample import VECTOR, Sample
from modelport.core.manifest import Label
from modelport.core.signature import DType, Field, Signature, Task
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.dtypes import conform
from modelport.runtimes.onnx import GRAPH, OnnxPredictor, open_session
from modelport.runtimes.ort import onnxruntime

_DTYPES: Mapping[str, DType] = {
    "tensor(bool)": "BOOL",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
_FLOATS = {"FP32", "FP64"}


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph with what it takes and gives."""

    data: bytes
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]

    def original(self) -> Callable[[Batch], Outputs]:
        """What runs it with every optimisation off."""
        predictor = OnnxPredictor(open_session(self.data, optimised=False), self.inputs, self.outputs, ())

        def run(batch: Batch) -> Outputs:
            answers = predictor.predict(conform(batch, self.inputs))
            return {field.name: answers.array(field.name) for field in self.outputs}

        return run


class OnnxCompiler:
    """Takes graphs: `onnx.ModelProto`, or its bytes."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        graph = model if isinstance(model, bytes) else model.SerializeToString()
        return adopt(graph, data, wanted.labels, wanted.task)


def adopt(
    graph: bytes, data: Any, labels: Sequence[Label] | None = None, task: Task | None = None
) -> tuple[Adopted, Sample]:
    """Prepare an ONNX graph for packing, and read its sample.

    `task` is `classification`, `regression` or `tensors`; without one it is `classification` when `labels`
    are given, else `tensors`. A graph with one float input `[N, k]` takes rows of numbers; any other takes
    `data` as a dict of arrays by input name. A class is the place of the largest of a row's probabilities
    (or scores). The original is the same graph with every optimisation off.

    Raises `Unsupported` when graph, sample, labels and task do not fit together, and `BundleRefused` for a
    graph that is not safe to load.
    """
    audit_files({GRAPH: graph})
    wanted: Task = task or ("classification" if labels else "tensors")
    bare = _read(graph)
    sample = _sample(bare, data)
    served = _served(bare, sample, wanted)
    compiled = Compiled(
        runtime="onnx",
        task=wanted,
        signature=Signature(sample.item, served.inputs, served.outputs),
        labels=_names(served, wanted, labels),
        files={GRAPH: served.data},
    )
    candidate = Candidate("as given", lambda: compiled)
    return Adopted(wanted, compiled.labels, (candidate,), served.original(), _source(graph)), sample


def _read(graph: bytes) -> _Graph:
    session = open_session(graph, optimised=False)
    inputs = tuple(_field(node) for node in session.get_inputs())
    return _Graph(graph, inputs, tuple(_field(node) for node in session.get_outputs()))


def _field(node: Any) -> Field:
    if node.type not in _DTYPES:
        msg = f"{node.name!r} is {node.type}, which is no plain tensor"
        raise Unsupported(msg, hint="export the graph without ZipMap (options={'zipmap': False})")
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    if not shape or shape[0] != -1:
        msg = f"{node.name!r} has the fixed shape {list(shape)}"
        raise Unsupported(msg, hint="export the graph with a variable first dimension")
    return Field(node.name, _DTYPES[node.type], shape)


def _sample(graph: _Graph, data: Any) -> Sample:
    first = graph.inputs[0]
    if len(graph.inputs) > 1 or first.dtype not in _FLOATS or len(first.shape) != 2:
        return _tensors(graph, data)
    sample = Sample.of(data)
    width = sample.batch.array(VECTOR).shape[1] if sample.item == "vector" else 0
    if width and first.shape[1] in {-1, width}:
        return sample
    msg = f"the graph takes rows of {first.shape[1]} numbers, the sample has {width or sample.item}"
    raise Unsupported(msg, code="sample-mismatch")


def _tensors(graph: _Graph, data: Any) -> Sample:
    names = [field.name for field in graph.inputs]
    if isinstance(data, np.ndarray) and len(names) == 1:
        data = {names[0]: data}
    if not isinstance(data, Mapping) or set(data) != set(names):
        msg = f"the graph takes the tensors {', '.join(map(repr, names))}"
        raise Unsupported(
            msg, code="sample-mismatch", hint="give the sample as a dict of arrays by these names"
        )
    arrays = {name: np.asarray(data[name]) for name in names}
    rows = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(rows) != 1 or not max(rows):
        msg = "the arrays of the sample differ in their number of rows, or have none"
        raise Unsupported(msg, code="sample-mismatch")
    return Sample("tensors", Batch(rows.pop(), arrays))


def _served(bare: _Graph, sample: Sample, task: Task) -> _Graph:
    """The graph with the fixed names of its item and its task."""
    inputs = bare.inputs if sample.item == "tensors" else (_vector(bare.inputs[0], sample),)
    doors = {own.name: public.name for own, public in zip(bare.inputs, inputs, strict=True)}
    if task == "tensors":
        data = renamed(bare.data, doors, own_names(bare.outputs), None)
        return _Graph(data, inputs, bare.outputs)
    if task == "classification":
        return _classifier(bare, sample, doors, inputs)
    if task == "regression":
        value = _one(bare, {1, 2})
        data = renamed(bare.data, doors, {value.name: "value"}, None)
        shape = (-1,) if value.shape[1:] == (1,) else value.shape
        return _Graph(data, inputs, (Field("value", value.dtype, shape),))
    msg = f"a plain graph cannot be packed as {task}"
    raise Unsupported(msg, code="task-mismatch", hint="use classification, regression or tensors")


def _classifier(bare: _Graph, sample: Sample, doors: Mapping[str, str], inputs: tuple[Field, ...]) -> _Graph:
    table = _one(bare, {2})
    values = bare.original()(_under_own_names(sample.batch, doors))[table.name]
    name = "probabilities" if _are_probabilities(values) else "scores"
    data = renamed(bare.data, doors, {table.name: name}, name)
    shape = (-1, values.shape[1])
    return _Graph(data, inputs, (Field("label", "INT64", (-1,)), Field(name, table.dtype, shape)))


def _one(graph: _Graph, ranks: set[int]) -> Field:
    """The first float output of such a rank."""
    found = [field for field in graph.outputs if field.dtype in _FLOATS and len(field.shape) in ranks]
    if not found:
        msg = "the graph has no float output of the shape this task answers with"
        raise Unsupported(msg, code="task-mismatch", hint="pack it with task='tensors'")
    return found[0]


def _under_own_names(batch: Batch, doors: Mapping[str, str]) -> Batch:
    return Batch(batch.rows, {own: batch[public] for own, public in doors.items()})


def _are_probabilities(values: Array) -> bool:
    return bool((values >= 0).all() and np.allclose(values.sum(axis=1), 1.0, atol=1e-4))


def _vector(field: Field, sample: Sample) -> Field:
    values = sample.batch.array(VECTOR)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (None, None)
    return Field(VECTOR, field.dtype, (-1, values.shape[1]), sample.columns, minimum=low, maximum=high)


def _names(graph: _Graph, task: Task, labels: Sequence[Label] | None) -> tuple[Label, ...] | None:
    if task != "classification":
        if labels:
            msg = f"labels were given, but the task is {task}"
            raise Unsupported(msg, code="labels")
        return None
    classes = graph.outputs[1].shape[1]
    names = tuple(labels) if labels else tuple(range(classes))
    if len(names) != classes:
        msg = f"{len(names)} labels were given, the graph has {classes} classes"
        raise Unsupported(msg, code="labels")
    return names


def _source(graph: bytes) -> dict[str, str]:
    import onnx

    model = onnx.load_model_from_string(graph)
    producer = f"{model.producer_name} {model.producer_version}".strip()
    return {"framework": "onnx", "producer": producer or "unknown", "onnxruntime": onnxruntime().__version__}
