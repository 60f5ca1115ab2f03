"""ONNX graphs on ONNX Runtime: the runtime that nearly every bundle uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelport.bundle.onnx_scan import scan
from modelport.core.plan import CPU
from modelport.core.signature import Field
from modelport.errors import BundleCorrupt, ModelFailed
from modelport.runtimes.base import Files
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.devices import check_placed, providers
from modelport.runtimes.ort import onnxruntime
from modelport.runtimes.steps import registry as steps

GRAPH = "model/graph.onnx"

_ARENA_FROM = 16 << 20
"""Graphs of more bytes than this, with their weights, get ONNX Runtime's memory arena. Small ones answer as
fast without it, and give memory back."""


class OnnxPredictor:
    """A loaded graph. Thread-safe; one call runs on `threads` threads.

    Plain `run` on numpy arrays is what it does because nothing else was faster: for 1 to 128 rows of small
    models, binding inputs and outputs costs 2 µs a call more, OrtValues 26 µs (ONNX Runtime 1.31).
    """

    def __init__(
        self, session: Any, inputs: Sequence[Field], outputs: Sequence[Field], before: Sequence[steps.Applied]
    ) -> None:
        self._run: Callable[..., list[Array]] = session.run
        self._inputs = tuple(field.name for field in inputs)
        self._outputs = [field.name for field in outputs]
        self._before = tuple(before)
        self._lift = tuple(
            name for name, rank in _ranks(session.get_inputs()) if rank == _wanted(inputs, name) + 1
        )
        self._drop = tuple(
            name for name, rank in _ranks(session.get_outputs()) if rank == _wanted(outputs, name) + 1
        )

    def predict(self, batch: Batch) -> Batch:
        """The answers to every row, in order. Raises `ModelFailed` when the graph refuses the batch."""
        feeds = self.feeds(batch)
        try:
            values = self._run(self._outputs, feeds)
        except Exception as error:
            msg = "the model could not answer these rows"
            raise ModelFailed(msg) from error
        answers = dict(zip(self._outputs, values, strict=True))
        for name in self._drop:
            answers[name] = answers[name][..., 0]
        return Batch(batch.rows, answers)

    def feeds(self, batch: Batch) -> dict[str, Any]:
        """What the graph is given for these rows, by its own names."""
        for step in self._before:
            batch = step.apply(batch)
        feeds: dict[str, Any] = {name: batch.tensors[name] for name in self._inputs}
        for name in self._lift:
            feeds[name] = batch.array(name)[:, None]
        return feeds


class OnnxRuntime:
    """Loads `model/graph.onnx` with ONNX Runtime, on the CPU unless it is put on another device."""

    kind = "onnx"

    def __init__(self, device: str = CPU) -> None:
        self._device = device

    def on(self, device: str) -> OnnxRuntime:
        """The same on a device. Raises `BundleRefused` (`device-absent`) when that cannot be used."""
        providers(device)
        return OnnxRuntime(device)

    def load(self, files: Files, threads: int = 1) -> OnnxPredictor:
        """Raises `BundleCorrupt` when the graph cannot be loaded or is not what the signature describes."""
        signature = files.manifest.signature
        graph = files.read(GRAPH)
        weights = weights_beside(GRAPH, graph, files)
        session = open_session(graph, threads, weights=weights, device=self._device)
        _check_names("input", session.get_inputs(), signature.inputs)
        _check_names("output", session.get_outputs(), signature.outputs)
        return OnnxPredictor(session, signature.inputs, signature.outputs, steps.build(files.manifest.steps))


def open_session(
    graph: bytes,
    threads: int = 1,
    *,
    optimised: bool = True,
    weights: Mapping[str, bytes] | None = None,
    device: str = CPU,
) -> Any:
    """An ONNX Runtime session on a device: `threads` threads within an operator, no spinning, quiet.

    `optimised=False` runs the graph node by node as written: the reference to compare with. `weights` are
    the files that a graph with external data names.
    Raises `BundleCorrupt` when ONNX Runtime does not take the graph, `BundleRefused` (`device-absent`) when
    it would run it elsewhere.
    """
    ort = onnxruntime()
    wanted = providers(device)
    try:
        options = _options(graph, threads, weights or {})
        if not optimised:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(graph, options, providers=wanted)
    except Exception as error:
        msg = "ONNX Runtime cannot load the graph"
        raise BundleCorrupt(
            msg, code="graph-refused", hint="was it packed for a newer ONNX Runtime?"
        ) from error
    check_placed(device, session.get_providers())
    return session


def weights_beside(path: str, graph: bytes, files: Files) -> dict[str, bytes]:
    """The verified files beside the graph at `path` that hold tensors of it, by the names it has for them.

    The graph must have passed the audit. Raises `BundleCorrupt`.
    """
    folder = path.rpartition("/")[0]
    if not any(entry.path.startswith(f"{folder}/") and entry.path != path for entry in files.manifest.files):
        return {}
    names = {tensor.location for tensor in scan(graph).external}
    return {name: files.read(f"{folder}/{name}") for name in sorted(names)}


def _options(graph: bytes, threads: int, weights: Mapping[str, bytes]) -> Any:
    options = onnxruntime().SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = sum(map(len, (graph, *weights.values()))) > _ARENA_FROM
    options.enable_mem_pattern = options.enable_cpu_mem_arena
    # A spinning thread takes the core that the next request needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 4
    if weights:  # copied while the session is made
        sizes = [len(data) for data in weights.values()]
        options.add_external_initializers_from_files_in_memory([*weights], [*weights.values()], sizes)
    return options


def _check_names(kind: str, nodes: Sequence[Any], fields: Sequence[Field]) -> None:
    graph, signature = {node.name for node in nodes}, {field.name for field in fields}
    # A graph may answer more than the signature promises; it may not ask for more than callers give.
    if signature - graph or (kind == "input" and graph - signature):
        msg = f"the graph's {kind}s {sorted(graph)} are not those of the signature {sorted(signature)}"
        raise BundleCorrupt(msg, code="graph-signature")


def _ranks(nodes: Sequence[Any]) -> list[tuple[str, int]]:
    return [(node.name, len(node.shape)) for node in nodes if node.shape is not None]


def _wanted(fields: Sequence[Field], name: str) -> int:
    """The rank the signature gives `name`; below any real one for a tensor it does not name."""
    return next((len(field.shape) for field in fields if field.name == name), -2)
