"""Plain ONNX: the graph is there already; it gets a signature, fixed names, and the same proof as others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelport.bundle.trust import audit_files
from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.compilers import Wanted
from modelport.compile.onnx_answers import Answers, answers
from modelport.compile.onnx_inputs import Doors, doors
from modelport.compile.sample import Sample
from modelport.core.manifest import Label
from modelport.core.signature import DType, Field, Signature, Task
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch
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
Predict = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""Tensors in, tensors out, both by the graph's own names."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a graph was made of: parity compares the two.

    Attributes:
        predict: runs the original.
        source: as in `compiled.Adopted`.
        candidate: how it was made.
        task: what the original says its outputs mean; None where it does not.
        notes: for the card.
    """

    predict: Predict
    source: Mapping[str, str]
    candidate: str
    task: Task | None = None
    notes: tuple[str, ...] = ()


class OnnxCompiler:
    """Takes graphs: `onnx.ModelProto`, or its bytes."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        graph = model if isinstance(model, bytes) else model.SerializeToString()
        return adopt(graph, data, wanted.labels, wanted.task)


def adopt(
    graph: bytes,
    data: Any,
    labels: Sequence[Label] | None = None,
    task: Task | None = None,
    *,
    origin: Origin | None = None,
) -> tuple[Adopted, Sample]:
    """Prepare an ONNX graph for packing, and read its sample.

    `task` is `classification`, `regression`, `transform` or `tensors`; without one it is `classification`
    when `labels` are given, else what `origin` says, else `tensors`. What it takes is as `onnx_inputs.doors`
    says, what its outputs mean as `onnx_answers.answers`. Without `origin` the original is the same graph
    with every optimisation off.

    Raises `Unsupported` when graph, sample, labels and task do not fit together, and `BundleRefused` for a
    graph that is not safe to load.
    """
    audit_files({GRAPH: graph})
    bare = _read(graph)
    origin = origin or Origin(_itself(bare), _source(graph), "as given")
    entry = doors(bare.inputs, data)
    wanted: Task = task or ("classification" if labels else origin.task or "tensors")

    def seen() -> Mapping[str, Array]:
        return origin.predict(entry.arrays(entry.sample.batch))

    found = answers(graph, bare.outputs, seen, labels, wanted)
    candidate = Candidate(origin.candidate, lambda: _compiled(graph, entry, found, origin.notes))

    def original(batch: Batch) -> Outputs:
        return found.of(origin.predict(entry.arrays(batch)))

    return Adopted(wanted, found.labels, (candidate,), original, origin.source), entry.sample


@dataclass(frozen=True, slots=True)
class _Graph:
    """A graph with what it takes and gives."""

    data: bytes
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


def _compiled(graph: bytes, entry: Doors, found: Answers, notes: tuple[str, ...]) -> Compiled:
    return Compiled(
        runtime="onnx",
        task=found.task,
        signature=Signature(entry.sample.item, entry.fields, found.fields),
        labels=found.labels,
        files={GRAPH: found.graph(graph, entry.names())},
        notes=notes,
    )


def _read(graph: bytes) -> _Graph:
    session = open_session(graph, optimised=False)
    inputs = tuple(_field(node) for node in session.get_inputs())
    return _Graph(graph, inputs, tuple(_field(node) for node in session.get_outputs()))


def _itself(bare: _Graph) -> Predict:
    """What runs a graph with every optimisation off."""
    predictor = OnnxPredictor(open_session(bare.data, optimised=False), bare.inputs, bare.outputs, ())

    def predict(arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        rows = len(next(iter(arrays.values())))
        found = predictor.predict(Batch(rows, arrays))
        return {field.name: found.array(field.name) for field in bare.outputs}

    return predict


def _field(node: Any) -> Field:
    if node.type not in _DTYPES:
        msg = f"{node.name!r} is {node.type}, which is no plain tensor"
        raise Unsupported(msg, hint="export the graph without ZipMap (options={'zipmap': False})")
    shape = tuple(size if isinstance(size, int) else -1 for size in node.shape)
    if not shape or shape[0] != -1:
        msg = f"{node.name!r} has the fixed shape {list(shape)}"
        raise Unsupported(msg, hint="export the graph with a variable first dimension")
    return Field(node.name, _DTYPES[node.type], shape)


def _source(graph: bytes) -> dict[str, str]:
    import onnx

    model = onnx.load_model_from_string(graph)
    producer = f"{model.producer_name} {model.producer_version}".strip()
    return {"framework": "onnx", "producer": producer or "unknown", "onnxruntime": onnxruntime().__version__}
