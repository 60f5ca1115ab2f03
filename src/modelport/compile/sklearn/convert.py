"""One fitted model into one ONNX graph in one precision."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.converters import registered
from modelport.compile.sklearn.islands import enclose
from modelport.compile.sklearn.models import last, plain, takes_columns
from modelport.compile.sklearn.outputs import Layout, lead_out
from modelport.compile.sklearn.prelude import Port, initial_types, lead_in, ports
from modelport.compile.sklearn.tasks import Meaning
from modelport.compile.sklearn.tidy import tidied
from modelport.core.signature import Field
from modelport.errors import BundleCorrupt, Unsupported
from modelport.runtimes.onnx import open_session

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 19
"""The first opset whose Equal compares texts."""
ML_OPSET = 3
"""The last ai.onnx.ml opset that skl2onnx writes."""
IR_VERSION = 9

_BODY = "body_"
_REFUSALS = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, AssertionError)


def convert(
    model: Any, inputs: Sequence[Field], outputs: Sequence[Field], meaning: Meaning, dtype: npt.DTypeLike
) -> ModelProto:
    """The graph whose inputs and outputs are those fields, computing in `dtype` (float32 or float64).

    Raises `Unsupported` with the reason when a part of the model has no ONNX form.
    """
    _check_names(inputs, outputs)
    found = ports(inputs, apart=takes_columns(model))
    simple = plain(model)
    body = _body(simple, initial_types(found, dtype), meaning)
    if dtype == np.float64:
        enclose(body)
    graph = tidied(
        _joined(body, inputs, outputs, found=found, meaning=meaning, dtype=dtype, layout=_layout(simple))
    )
    _check_loads(model, graph)
    return graph


def _check_loads(model: Any, graph: ModelProto) -> None:
    """skl2onnx writes some graphs, in float64 above all, that no runtime takes."""
    try:
        open_session(graph.SerializeToString())
    except BundleCorrupt as error:
        raise _refused(model, error.__cause__ or error) from error


def _check_names(inputs: Sequence[Field], outputs: Sequence[Field]) -> None:
    """Inputs and outputs of a graph share one space of names."""
    clash = {field.name for field in inputs} & {field.name for field in outputs}
    if clash:
        msg = f"the column {clash.pop()!r} has the name of an output"
        raise Unsupported(msg, code="column-name", hint="rename the column and fit the model again")


def _body(model: Any, types: list[tuple[str, Any]], meaning: Meaning) -> ModelProto:
    from skl2onnx import convert_sklearn

    opset = {"": OPSET, "ai.onnx.ml": ML_OPSET}
    try:
        with registered(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notes of skl2onnx to its own maintainers
            body: ModelProto = convert_sklearn(
                model, initial_types=types, options=_options(model, meaning), target_opset=opset
            )
            return body
    except _REFUSALS as error:
        raise _refused(model, error) from error


def _refused(model: Any, error: BaseException) -> Unsupported:
    reason = " ".join(str(error).split())[:300]
    msg = f"{type(last(model)).__name__} cannot be compiled: {reason}"
    return Unsupported(msg, hint="docs/reference/compilers.md lists what can")


def _options(model: Any, meaning: Meaning) -> dict[int, dict[str, Any]] | None:
    if meaning.task not in {"classification", "multilabel"}:
        return None
    wanted: dict[str, Any] = {"zipmap": False}
    allowed = _allowed(last(model))
    if not meaning.probabilistic and "raw_scores" in allowed:
        wanted["raw_scores"] = True
    return {id(last(model)): {name: value for name, value in wanted.items() if name in allowed}}


def _allowed(model: Any) -> dict[str, Any]:
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter

    name = sklearn_operator_name_map.get(type(model))
    return (get_converter(name).get_allowed_options() or {}) if name else {}


def _layout(model: Any) -> Layout:
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.neighbors import KNeighborsClassifier

    core = last(model)
    if isinstance(core, MultiOutputClassifier):
        return "sequence"
    return "cube" if isinstance(core, KNeighborsClassifier) else "matrix"


def _joined(
    body: ModelProto,
    inputs: Sequence[Field],
    outputs: Sequence[Field],
    *,
    found: Sequence[Port],
    meaning: Meaning,
    dtype: npt.DTypeLike,
    layout: Layout,
) -> ModelProto:
    from onnx import compose, helper

    inner = compose.add_prefix_graph(body.graph, _BODY)
    before = lead_in(inputs, found, dtype, _BODY)
    after = lead_out(outputs, [result.name for result in inner.output], meaning, layout)
    graph = helper.make_graph(
        [*before.nodes, *inner.node, *after.nodes],
        "model",
        [_value(field) for field in inputs],
        [_value(field) for field in outputs],
        [*before.constants, *inner.initializer, *after.constants],
    )
    # skl2onnx notes the oldest opset its nodes need; they were written for, and hold in, these.
    versions = {each.domain: each.version for each in body.opset_import} | {"": OPSET, "ai.onnx.ml": ML_OPSET}
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in versions.items()],
        functions=list(body.functions),
        ir_version=IR_VERSION,
        producer_name="modelport",
    )


def _value(field: Field) -> Any:
    from onnx import TensorProto, helper

    kinds = {
        "FP32": TensorProto.FLOAT,
        "FP64": TensorProto.DOUBLE,
        "INT64": TensorProto.INT64,
        "BOOL": TensorProto.BOOL,
        "BYTES": TensorProto.STRING,
    }
    shape = [None if size < 0 else size for size in field.shape]
    return helper.make_tensor_value_info(field.name, kinds[field.dtype], shape)
