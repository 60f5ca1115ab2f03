"""Types inside an ONNX graph: how deep they are nested, and what sizes their shapes claim."""

from __future__ import annotations

from modelport.bundle.onnx_tensors import elements
from modelport.bundle.protowire import Span, fields, signed
from modelport.errors import BundleRefused

_TENSORS, _CONTAINERS = {1, 8}, {4, 5, 9}


def check_type(message: Span, most: int, depth: int = 1) -> None:
    """Check a TypeProto, which may hold others, at most `most` deep.

    Tensors have a shape in their field 2, containers a type in their field 1 or 2. Raises `BundleRefused`
    (`onnx-too-deep`, `onnx-tensor-size`).
    """
    if depth > most:
        msg = f"types are nested deeper than {most}"
        raise BundleRefused(msg, code="onnx-too-deep")
    for number, _, value in fields(message):
        if not isinstance(value, Span):
            continue
        if number in _TENSORS:
            _check_shapes(value)
        elif number in _CONTAINERS:
            for inner, _, held in fields(value):
                if inner in {1, 2} and isinstance(held, Span):
                    check_type(held, most, depth + 1)


def _check_shapes(tensor: Span) -> None:
    for number, _, shape in fields(tensor):
        if number != 2 or not isinstance(shape, Span):
            continue
        dims = [_dim(value) for _, _, value in fields(shape) if isinstance(value, Span)]
        elements(dim for dim in dims if dim >= 0)


def _dim(message: Span) -> int:
    """The declared size of a dimension; 1 when it is variable. Some exporters write -1 for variable."""
    size = 1
    for number, _, value in fields(message):
        if number == 1 and isinstance(value, int):
            size = signed(value)
    if size < -1:
        msg = "a shape has a negative size"
        raise BundleRefused(msg, code="onnx-tensor-size")
    return size
