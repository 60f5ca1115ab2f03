"""A proven model in another precision: made, loaded, and its answers taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelport.bundle.onnx_scan import scan
from modelport.bundle.trust import audit_files
from modelport.compile.compiled import Compiled
from modelport.compile.onnx_external import inside
from modelport.compile.parity import loaded
from modelport.compile.pieces import answers
from modelport.compile.quantize import graphs
from modelport.compile.quantize.anatomy import FLOAT, anatomy
from modelport.compile.quantize.wish import Precision
from modelport.errors import BundleError, Unsupported
from modelport.runtimes.base import Fed, Predictor
from modelport.runtimes.batch import Array, Batch, split
from modelport.runtimes.golden import scale

_CALIBRATION_ROWS = 256
TOGETHER = 32
"""Rows in a batch, as a busy server makes them."""

_ALONE = 64


@dataclass(frozen=True, slots=True)
class Made:
    """One precision of a model, loaded.

    `kept` counts the products with weights that stay in fp32.
    """

    precision: Precision
    method: str
    compiled: Compiled
    predictor: Predictor
    kept: int = 0

    @property
    def size(self) -> int:
        """Bytes of the model's files."""
        return sum(map(len, self.compiled.files.values()))


def make(precision: Precision, fp32: Made, rows: Batch) -> Made:
    """The model in `precision`; static ranges are calibrated on `rows`, as the signature types them.

    Raises `Unsupported` (`nothing-to-quantize`, `not-quantized`) with the reason.
    """
    path = graph_path(fp32.compiled)
    whole = inside(fp32.compiled.files[path], _beside(fp32.compiled, path))
    with _told(precision, Exception):  # the library raises whatever it meets in a graph
        model = graphs.folded(whole)
    method, kept, graph = _converted(precision, model, fp32.predictor, rows)
    compiled = replace(fp32.compiled, files=_files(fp32.compiled, path, graph))
    with _told(precision, BundleError):
        audit_files(compiled.files)
        return Made(precision, method, compiled, loaded(compiled), kept)


@contextmanager
def _told(precision: Precision, kind: type[Exception]) -> Iterator[None]:
    """Turns an error of this kind into a refusal with its reason."""
    try:
        yield
    except MemoryError:
        raise
    except kind as error:
        reason = error.message if isinstance(error, BundleError) else f"{type(error).__name__}: {error}"
        msg = f"the graph cannot be made {precision}: {reason[:300]}"
        raise Unsupported(msg, code="not-quantized", hint="serve it in fp32") from error


def _files(compiled: Compiled, path: str, graph: bytes) -> dict[str, bytes]:
    """The model's files with another graph; weights that lay beside the old one are inside the new one."""
    folder = path.rpartition("/")[0]
    gone = {f"{folder}/{tensor.location}" for tensor in scan(compiled.files[path]).external}
    return {**{name: data for name, data in compiled.files.items() if name not in gone}, path: graph}


def graph_path(compiled: Compiled) -> str:
    """Where the one graph of a model lies. Raises `Unsupported` (`nothing-to-quantize`)."""
    paths = [path for path in compiled.files if path.endswith(".onnx")]
    if len(paths) == 1:
        return paths[0]
    why = "it has several graphs" if paths else "it has no graph"
    msg = f"nothing to quantise: {why}"
    raise Unsupported(msg, code="nothing-to-quantize", hint="serve it in fp32")


def shift(predictor: Predictor, rows: Batch) -> float:
    """How far a row's answer moves with the rows beside it: the largest difference, absolute or relative.

    Ranges of activations that are measured at each call are those of the whole batch, so a row's answer
    depends, a little, on its neighbours. It is also how far rounding on another processor may move it.
    """
    few = next(split(rows, [min(_ALONE, rows.rows)]))
    alone, crowded = answers(predictor, few, 1), answers(predictor, few, TOGETHER)
    return max(
        (_apart(alone[name], crowded[name]) for name in alone if alone[name].dtype.kind == "f"), default=0.0
    )


def _apart(one: Array, other: Array) -> float:
    finite = np.isfinite(one) & np.isfinite(other)
    measure = np.maximum(scale(one), np.abs(one[finite]))  # as golden rows are compared
    return float((np.abs(one[finite] - other[finite]) / measure).max(initial=0.0))


def _converted(precision: Precision, model: Any, predictor: Predictor, rows: Batch) -> tuple[str, int, bytes]:
    if precision == "fp16":
        _require_table(model)
        with _told(precision, Exception):
            return "cast", 0, graphs.fp16(model)
    found = anatomy(model)
    if found.method is None:
        raise Unsupported(found.reason, code="nothing-to-quantize", hint="serve it in fp32")
    feeds = _calibration(predictor, rows) if found.method == "static" else ()
    with _told(precision, Exception):
        if found.method == "static":
            return "static", len(found.kept), graphs.int8_static(model, found, feeds)
        return "dynamic", len(found.kept), graphs.int8_dynamic(model, found)


def _require_table(model: Any) -> None:
    """Raises `Unsupported` for a graph without weights that would take half the room."""
    floats = [tensor for tensor in model.graph.initializer if tensor.data_type == FLOAT]
    if not any(len(tensor.dims) > 1 for tensor in floats):
        msg = "nothing to quantise: the graph has no table of fp32 weights"
        raise Unsupported(msg, code="nothing-to-quantize", hint="serve it as it is")


def _calibration(predictor: Predictor, rows: Batch) -> Sequence[graphs.Feeds]:
    """What the graph is fed for up to 256 rows spread over the sample, one row at a time."""
    places = np.unique(np.linspace(0, rows.rows - 1, min(_CALIBRATION_ROWS, rows.rows)).astype(np.int64))
    few = Batch(len(places), {name: rows.array(name)[places] for name in rows.tensors})
    if not isinstance(predictor, Fed):
        msg = "its runtime does not tell what the graph is fed, so ranges cannot be calibrated"
        raise Unsupported(msg, code="not-quantized", hint="serve it in fp32")
    return [predictor.feeds(row) for row in split(few, [1] * few.rows)]


def _beside(compiled: Compiled, path: str) -> dict[str, bytes]:
    """The files in the graph's folder, by the names that the graph has for them."""
    folder = path.rpartition("/")[0] + "/"
    return {
        name.removeprefix(folder): data
        for name, data in compiled.files.items()
        if name.startswith(folder) and name != path
    }
