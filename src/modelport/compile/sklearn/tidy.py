"""Takes out of a graph what does nothing: a small model's time is mostly the number of its nodes.

Converters write for every case: a cast to the type a tensor has, a reshape to the shape it has, a table from
every class to itself. ONNX Runtime's own optimiser keeps these, since it cannot know types and shapes of
`ai.onnx.ml` operators as well as their schemas do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


_LARGEST = 1 << 30
"""Bytes of a graph: shapes are inferred from its serialized form, which has to stay below 2 GiB."""


class Kind(NamedTuple):
    """Element type and rank of a tensor, as far as they are known (0 and -1 where not)."""

    element: int
    rank: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a graph's tensors.

    Attributes:
        kinds: by name.
        makers: the node that makes a tensor.
        whole: constants that are a single whole number.
    """

    kinds: dict[str, Kind]
    makers: dict[str, NodeProto]
    whole: dict[str, int]

    def kind(self, name: str) -> Kind:
        return self.kinds.get(name, Kind(0, -1))


def tidied(model: ModelProto) -> ModelProto:
    """The same function in fewer nodes. A graph with graphs inside stays as it is: they may read any name."""
    from onnx import ModelProto as Model

    if _has_inner_graphs(model) or model.ByteSize() > _LARGEST:
        return model
    graph = Model()
    graph.CopyFrom(model)
    known = _facts(graph)
    while _take_one(graph, known):
        pass
    _drop_unused(graph)
    return graph


def _has_inner_graphs(model: ModelProto) -> bool:
    from onnx import AttributeProto

    inner = {AttributeProto.GRAPH, AttributeProto.GRAPHS}
    return any(each.type in inner for node in model.graph.node for each in node.attribute)


def _take_one(model: ModelProto, known: Known) -> bool:
    """Take out the first node that does nothing; what is known of the names that stay remains true."""
    makers = {name: node for node in model.graph.node for name in node.output}
    now = replace(known, makers=makers)
    for node in model.graph.node:
        for rule in _RULES:
            source = rule(node, now)
            if source and _bypass(model, node, source):
                return True
    return False


def _identity(node: NodeProto, _known: Known) -> str:
    return node.input[0] if node.op_type == "Identity" else ""


def _same_type(node: NodeProto, known: Known) -> str:
    done = node.op_type == "Cast" and known.kind(node.input[0]).element == _attribute(node, "to")
    return node.input[0] if done else ""


def _flat_already(node: NodeProto, known: Known) -> str:
    done = node.op_type == "Flatten" and _attribute(node, "axis", 1) == 1
    return node.input[0] if done and known.kind(node.input[0]).rank == 2 else ""


def _column_of_a_row(node: NodeProto, known: Known) -> str:
    """The last column of `[n]` made `[n, 1]`."""
    if node.op_type != "Gather" or _attribute(node, "axis", 0) != 1 or known.whole.get(node.input[1]) != -1:
        return ""
    flat = known.makers.get(node.input[0])
    if flat is None or flat.op_type != "Flatten" or _attribute(flat, "axis", 1) != 1:
        return ""
    return flat.input[0] if known.kind(flat.input[0]).rank == 1 else ""


def _class_to_itself(node: NodeProto, _known: Known) -> str:
    if node.op_type != "LabelEncoder":
        return ""
    keys, values = _attribute(node, "keys_int64s", ()), _attribute(node, "values_int64s", ())
    return node.input[0] if keys and list(keys) == list(values) else ""


_RULES: tuple[Callable[[NodeProto, Known], str], ...] = (
    _identity,
    _same_type,
    _flat_already,
    _column_of_a_row,
    _class_to_itself,
)


def _attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    from onnx import helper

    found = next((each for each in node.attribute if each.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def _bypass(model: ModelProto, node: NodeProto, source: str) -> bool:
    """Let everyone read `source` instead of the node's output; False where its name has to stay."""
    graph, made = model.graph, node.output[0]
    results = {result.name for result in graph.output}
    if made not in results:
        _rename_uses(model, made, source)
    elif source in results or source in _fixed(model):
        return False
    else:
        maker = next(each for each in graph.node if source in each.output)
        maker.output[list(maker.output).index(source)] = made
        _rename_uses(model, source, made)
    graph.node.remove(node)
    return True


def _fixed(model: ModelProto) -> set[str]:
    """Names that no node makes: inputs and constants."""
    graph = model.graph
    return {each.name for each in graph.input} | {each.name for each in graph.initializer}


def _rename_uses(model: ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == old:
                node.input[place] = new


def _drop_unused(model: ModelProto) -> None:
    """Nodes and constants that nobody reads."""
    graph = model.graph
    results = {result.name for result in graph.output}
    while True:
        read = results | set(Counter(name for node in graph.node for name in node.input))
        idle = [node for node in graph.node if not read & set(node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    for constant in [each for each in graph.initializer if each.name not in read]:
        graph.initializer.remove(constant)


def _facts(model: ModelProto) -> Known:
    from onnx import numpy_helper, shape_inference

    seen = shape_inference.infer_shapes(model).graph
    values = [*seen.input, *seen.value_info]
    whole = {each.name: int(numpy_helper.to_array(each)) for each in seen.initializer if _is_whole(each)}
    return Known({value.name: _kind(value) for value in values}, {}, whole)


def _is_whole(constant: Any) -> bool:
    from onnx import TensorProto

    return constant.data_type == TensorProto.INT64 and not constant.dims


def _kind(value: Any) -> Kind:
    tensor = value.type.tensor_type
    return Kind(tensor.elem_type, len(tensor.shape.dim) if tensor.HasField("shape") else -1)
