"""From the signature's inputs to those of the converted graph: columns become `[n, 1]` floats or texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.nodes import Nodes
from modelport.core.signature import Field
from modelport.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Port:
    """One input of the converted graph: its name, its width, and whether it holds texts."""

    name: str
    width: int
    text: bool


def ports(fields: Sequence[Field], *, apart: bool) -> tuple[Port, ...]:
    """The converted graph's inputs: one per column where the model tells columns `apart`, else one matrix.

    Raises `Unsupported` when a text column meets a model that wants one matrix of numbers.
    """
    if len(fields[0].shape) == 2:
        return (Port("matrix", fields[0].shape[1], text=False),)
    if apart:
        return tuple(Port(f"c{place}", 1, field.dtype == "BYTES") for place, field in enumerate(fields))
    texts = [field.name for field in fields if field.dtype == "BYTES"]
    if texts:
        msg = f"the model takes one matrix of numbers, but column {texts[0]!r} of the sample holds texts"
        raise Unsupported(
            msg, hint="pack the whole pipeline, with the ColumnTransformer that encodes the texts"
        )
    return (Port("matrix", len(fields), text=False),)


def initial_types(found: Sequence[Port], dtype: npt.DTypeLike) -> list[tuple[str, Any]]:
    """The ports as skl2onnx wants them."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

    number = DoubleTensorType if dtype == np.float64 else FloatTensorType
    return [(port.name, (StringTensorType if port.text else number)([None, port.width])) for port in found]


def lead_in(fields: Sequence[Field], found: Sequence[Port], dtype: npt.DTypeLike, prefix: str) -> Nodes:
    """The nodes from the signature's fields to the ports, whose names carry `prefix`."""
    nodes = Nodes("in_")
    if len(fields[0].shape) == 2:
        nodes.node("Identity", fields[0].name, output=prefix + found[0].name)
    elif len(found) == 1 and not found[0].text and len(fields) > 1:
        columns = [_column(nodes, field, dtype) for field in fields]
        nodes.node("Concat", *columns, output=prefix + found[0].name, axis=1)
    else:
        for field, port in zip(fields, found, strict=True):
            nodes.node("Identity", _column(nodes, field, dtype), output=prefix + port.name)
    return nodes


def _column(nodes: Nodes, field: Field, dtype: npt.DTypeLike) -> str:
    upright = nodes.node("Unsqueeze", field.name, nodes.constant([1]))
    return upright if field.dtype == "BYTES" else nodes.cast(upright, dtype)
