"""Operators of TensorFlow that tf2onnx does not know, and that ONNX can express exactly."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


@cache
def register() -> None:
    """Teach them to tf2onnx; needs to be imported already. Once per process."""
    from tf2onnx import tfonnx  # noqa: F401  it registers its own first
    from tf2onnx.handler import tf_op

    for kind in (_Erfc, _Bucketize):
        tf_op(kind.__name__.removeprefix("_"))(kind)
    _Lookup.strings = _method_of(tf_op, "LookupTableFindV2", 8)
    tf_op(["LookupTableFind", "LookupTableFindV2"])(_Lookup)


def _method_of(tf_op: Any, name: str, version: int) -> Any:
    return tf_op.get_opsets()[""][version][name][0]


class _Erfc:
    """1 - erf(x): the exact `gelu` uses it."""

    @classmethod
    def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
        kind = ctx.get_dtype(node.output[0])
        shape = ctx.get_shape(node.output[0])
        source, name, outputs = node.input[0], node.name, list(node.output)
        ctx.remove_node(name)
        erf = ctx.make_node("Erf", [source], dtypes=[kind], shapes=[shape]).output[0]
        one = ctx.make_const(f"{name}_one", np.array(1, _numpy(kind))).output[0]
        ctx.make_node("Sub", [one, erf], name=name, outputs=outputs, dtypes=[kind], shapes=[shape])


class _Bucketize:
    """The number of boundaries that are not above x: `Discretization`."""

    @classmethod
    def version_13(cls, ctx: Any, node: Any, **_: Any) -> None:
        import onnx

        source, name, outputs = node.input[0], node.name, list(node.output)
        kind, shape = ctx.get_dtype(source), ctx.get_shape(source)
        out = ctx.get_dtype(outputs[0])
        bounds = np.array(node.get_attr("boundaries").floats, np.float32).astype(_numpy(kind))
        ctx.remove_node(name)
        edges = ctx.make_const(f"{name}_bounds", bounds).output[0]
        last = ctx.make_const(f"{name}_last", np.array([-1], np.int64)).output[0]
        lifted = ctx.make_node("Unsqueeze", [source, last]).output[0]
        above = ctx.make_node("GreaterOrEqual", [lifted, edges]).output[0]
        counted = ctx.make_node("Cast", [above], attr={"to": onnx.TensorProto.INT32}).output[0]
        total = ctx.make_node("ReduceSum", [counted, last], attr={"keepdims": 0}).output[0]
        ctx.make_node(
            "Cast", [total], name=name, outputs=outputs, attr={"to": out}, dtypes=[out], shapes=[shape]
        )


class _Lookup:
    """Tables of whole numbers (`IntegerLookup`); those of texts stay with tf2onnx."""

    strings: Any = None

    @classmethod
    def version_8(cls, ctx: Any, node: Any, initialized_tables: Any, **more: Any) -> None:
        import onnx

        whole = {ctx.get_dtype(node.output[0]), ctx.get_dtype(node.input[1])} == {onnx.TensorProto.INT64}
        table = initialized_tables.get(_table_name(node)) if whole else None
        if table is None or not node.inputs[2].is_const():
            cls.strings(ctx, node, initialized_tables=initialized_tables, **more)
            return
        keys, values = table
        source, name, outputs = node.input[1], node.name, list(node.output)
        default = int(node.inputs[2].get_tensor_value(as_list=False))
        shape = ctx.get_shape(source)
        ctx.remove_node(name)
        known = {"keys_int64s": keys.tolist(), "values_int64s": values.tolist(), "default_int64": default}
        ctx.make_node(
            "LabelEncoder",
            [source],
            name=name,
            outputs=outputs,
            attr=known,
            domain="ai.onnx.ml",
            dtypes=[onnx.TensorProto.INT64],
            shapes=[shape],
        )


def _table_name(node: Any) -> Any:
    table = node.inputs[0]
    while table.type == "Identity":
        table = table.inputs[0]
    return table.get_attr_value("shared_name")


def _numpy(kind: int) -> Any:
    from tf2onnx import utils

    return utils.map_onnx_to_numpy_type(kind)
