"""From a module to an ONNX graph: `torch.export` first, TorchScript where a module's own steps need it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelport.bundle.trust import audit_files
from modelport.compile.onnx_names import renamed
from modelport.compile.torch import refusals
from modelport.compile.torch.doors import DTYPES
from modelport.compile.torch.eager import Eager
from modelport.compile.torch.quiet import quiet
from modelport.compile.torch.wrapped import wrapped
from modelport.core.signature import Field
from modelport.errors import BundleError, Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.onnx import GRAPH

_ROWS = 3
"""Rows of the example: torch takes a size of 0 or 1 for a fixed one."""

_SCRIPTED = "converted by way of TorchScript, which keeps its conditions and loops"


@dataclass(frozen=True, slots=True)
class Exported:
    """A graph with public names, what it answers, and notes on how it was made."""

    graph: bytes
    outputs: tuple[Field, ...]
    notes: tuple[str, ...] = ()


def graph_of(eager: Eager) -> Exported:
    """The module with the readings of its task as one graph; rows, and sizes that vary, are variable.

    Raises `Unsupported` with what to change in the module: `data-dependent`, `fixed-size`,
    `unsupported-operator`, `export-failed`, `too-large`.
    """
    _require("onnxscript")
    if eager.called.scripted:
        return _exported(eager, _by_script(eager), (_SCRIPTED,))
    try:
        return _exported(eager, _by_export(eager), ())
    except Unsupported as refusal:
        if refusal.code not in {"data-dependent", "fixed-size"}:
            raise
        return _exported(eager, _by_script(eager, refusal), (_SCRIPTED,))


def _require(library: str) -> None:
    """torch's exporter needs more than torch, and says so late."""
    if importlib.util.find_spec(library) is None:
        msg = f"{library} is not installed, which torch needs to write a graph"
        raise Unsupported(msg, code="extra-missing", hint="pip install 'modelport[torch]'")


def _exported(eager: Eager, model: Any, notes: tuple[str, ...]) -> Exported:
    graph = renamed(_bytes(model), *_names(model, eager), None)
    try:
        audit_files({GRAPH: graph})
    except BundleError as error:
        msg = f"the graph that torch made of it is not one that is served: {error.message}"
        raise Unsupported(msg, code="unsupported-operator", hint=error.hint) from error
    return Exported(graph, _fields(eager), notes)


def _by_export(eager: Eager) -> Any:
    import torch

    with torch.no_grad(), quiet():
        try:
            program = torch.export.export(wrapped(eager), _example(eager), dynamic_shapes=(_dynamic(eager),))
        except Exception as error:
            raise refusals.of_export(error) from error
        try:
            return torch.onnx.export(program, dynamo=True, optimize=True, verbose=False).model_proto
        except Exception as error:
            raise refusals.of_conversion(error) from error


def _by_script(eager: Eager, refusal: Unsupported | None = None) -> Any:
    from modelport.compile.torch.script import exported

    try:
        return exported(eager, _example(eager))
    except Unsupported as error:
        raise (refusal or error) from error


def _example(eager: Eager) -> tuple[Any, ...]:
    """A few rows of the sample as tensors, repeated where it has fewer."""
    rows = eager.doors.sample.batch
    places = [place % rows.rows for place in range(_ROWS)]
    return eager.inputs(Batch(_ROWS, {name: rows.array(name)[places] for name in rows.tensors}))


def _dynamic(eager: Eager) -> tuple[dict[int, Any], ...]:
    """Per input, the dimensions that torch must leave open; it finds by itself which are one."""
    import torch

    return tuple(dict.fromkeys(places, torch.export.Dim.DYNAMIC) for places in eager.doors.variable())


def _bytes(model: Any) -> bytes:
    try:
        return bytes(model.SerializeToString())
    except Exception as error:
        msg = "the graph with its weights is larger than 2 GB, the most that one ONNX file can hold"
        raise Unsupported(msg, code="too-large", hint="serve it in half precision: module.half()") from error


def _names(model: Any, eager: Eager) -> tuple[dict[str, str], dict[str, str]]:
    """Own names of inputs and outputs to public ones: both are in the order of the wrapped module."""
    weights = {each.name for each in model.graph.initializer}
    given = [each.name for each in model.graph.input if each.name not in weights]
    fields = eager.doors.fields
    if len(given) != len(fields):
        unused = len(fields) - len(given)
        msg = f"the module takes {len(fields)} inputs and uses {len(given)} of them"
        raise Unsupported(
            msg, code="unused-input", hint=f"leave the other {unused} out of forward and sample"
        )
    answered = [each.name for each in model.graph.output]
    inputs = {own: field.name for own, field in zip(given, fields, strict=True)}
    return inputs, dict(zip(answered, eager.answers.names, strict=True))


def _fields(eager: Eager) -> tuple[Field, ...]:
    """What comes out, by what the module answers to the sample; a size that varied there is variable."""
    sample = eager.doors.sample
    answers = [eager(batch) for batch in (sample.batch, *sample.more)]
    return tuple(_field(name, [each[name] for each in answers]) for name in eager.answers.names)


def _field(name: str, values: Sequence[Array]) -> Field:
    kind = DTYPES.get(str(values[0].dtype))
    if kind is None:
        msg = f"{name!r} is of the dtype {values[0].dtype}"
        raise Unsupported(msg, code="unsupported-output", hint="return real numbers")
    sizes = zip(*(each.shape[1:] for each in values), strict=True)
    return Field(name, kind, (-1, *(each[0] if len(set(each)) == 1 else -1 for each in sizes)))
