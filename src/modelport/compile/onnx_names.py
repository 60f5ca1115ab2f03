"""Fixed names at the door of a graph whose own names stay as they are inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelport.core.signature import Field
from modelport.errors import Unsupported

_INSIDE = "inner/"
_DEFAULT_OPSET = 17


def renamed(
    graph: bytes, inputs: Mapping[str, str], outputs: Mapping[str, str], best_of: str | None
) -> bytes:
    """The graph with new names for inputs and outputs (`{own: public}`); other outputs are left out.

    `best_of` names a public output `[N, k]` whose best place becomes one more output, `label`. Every tensor
    inside gets a prefix first, so no public name can meet an own one.
    """
    import onnx
    from onnx import helper

    model = onnx.load_model_from_string(graph)
    inner = model.graph
    _prefix(inner)
    leads = [_lead_in(value, inputs) for value in inner.input if value.name.removeprefix(_INSIDE) in inputs]
    given = {value.name.removeprefix(_INSIDE): value for value in inner.output}
    del inner.output[:]
    tails = [_lead_out(inner, given[own], public) for own, public in outputs.items()]
    if best_of:
        tails.append(helper.make_node("ArgMax", [best_of], ["label"], axis=1, keepdims=0))
        inner.output.append(helper.make_tensor_value_info("label", onnx.TensorProto.INT64, [None]))
        _import_default(model)
    nodes = [*leads, *inner.node, *tails]
    del inner.node[:]
    inner.node.extend(nodes)
    check(model)
    return bytes(model.SerializeToString(deterministic=True))


def check(model: Any) -> None:
    """Raise `Unsupported` (`graph-refused`) for a graph that is not as ONNX asks."""
    import onnx

    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        line = (str(error).splitlines() or [""])[0]
        msg = f"the graph is not well formed: {line[:200]}"
        raise Unsupported(msg, code="graph-refused", hint="does onnx.checker.check_model take it?") from error


def own_names(fields: Sequence[Field]) -> dict[str, str]:
    """Every name standing for itself."""
    return {field.name: field.name for field in fields}


def _prefix(graph: Any) -> None:
    """Put the prefix before every name in a graph and in its subgraphs, which may speak of names outside.

    (`onnx.compose.add_prefix` forgets the initializers that a subgraph takes from outside.)
    """
    for node in graph.node:
        node.name = _prefixed(node.name)
        node.input[:] = [_prefixed(name) for name in node.input]
        node.output[:] = [_prefixed(name) for name in node.output]
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _prefix(inner)
    sparse = [part for each in graph.sparse_initializer for part in (each.values, each.indices)]
    for value in (*graph.initializer, *sparse, *graph.input, *graph.output, *graph.value_info):
        value.name = _prefixed(value.name)


def _prefixed(name: str) -> str:
    return _INSIDE + name if name else name


def _lead_in(value: Any, inputs: Mapping[str, str]) -> Any:
    from onnx import helper

    own = value.name
    value.name = inputs[own.removeprefix(_INSIDE)]
    return helper.make_node("Identity", [value.name], [own])


def _lead_out(inner: Any, value: Any, public: str) -> Any:
    from onnx import helper

    own = value.name
    value.name = public
    inner.output.append(value)
    return helper.make_node("Identity", [own], [public])


def _import_default(model: Any) -> None:
    from onnx import helper

    if not any(opset.domain in {"", "ai.onnx"} for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid("", _DEFAULT_OPSET))
