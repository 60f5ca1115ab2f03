"""How an item may be spelled in JSON: typed decoders by position and by name, and base64 for a vector."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
import numpy as np

from modelport.core.signature import Field, Signature
from modelport.errors import InvalidInput
from modelport.serving.codecs.tensors import NUMPY

Row = tuple[Any, ...]
"""The values of an item, in the order of the signature."""


class Spellings:
    """Typed decoders of the items of one signature."""

    def __init__(self, signature: Signature) -> None:
        self._vector = signature.item == "vector"
        self._kind = signature.item
        self._fields = signature.inputs
        named = _named(signature)
        self._by_name = msgspec.json.Decoder(named)
        self._all_by_name = msgspec.json.Decoder(list[named])  # type: ignore[valid-type]
        listed: Any = list[_element(signature.inputs[0])] if self._vector else _positional(signature)  # type: ignore[misc]
        if self._kind == "text":
            listed = str
        self._by_place = msgspec.json.Decoder(listed)
        self._all_by_place = msgspec.json.Decoder(list[listed])

    def one(self, first: str) -> msgspec.json.Decoder[Any]:
        """The decoder of an item that begins with `first`."""
        return self._by_name if first == "{" and self._kind != "text" else self._by_place

    def many(self, first: str) -> msgspec.json.Decoder[Any]:
        """The decoder of a list whose first item begins with `first`."""
        return self._all_by_name if first == "{" and self._kind != "text" else self._all_by_place

    def values(self, item: Any) -> Row:
        """The values of a decoded item, in the order of the signature."""
        if isinstance(item, msgspec.Struct):
            values = msgspec.structs.astuple(item)
            packed = values[-1]
            return values[:-1] if packed is msgspec.UNSET else _unpacked(self._fields[0], packed)
        return (item,) if isinstance(item, str) else tuple(item)


def _named(signature: Signature) -> type[msgspec.Struct]:
    """An item as an object of columns; a vector also as `{"b64": …}`, its bytes."""
    if signature.item == "vector":
        names = signature.inputs[0].columns
        element = _element(signature.inputs[0])
        columns = [(name, element, signature.inputs[0].missing) for name in names]
    else:
        columns = [(item.name, _element(item), item.missing) for item in signature.inputs]
    fields: list[tuple[str, Any, Any]] = [
        (f"c{index}", kind, None if missing else msgspec.NODEFAULT)
        for index, (_, kind, missing) in enumerate(columns)
    ]
    rename = {f"c{index}": name for index, (name, _, _) in enumerate(columns)}
    if signature.item == "vector" and "b64" not in rename.values():
        return _with_bytes(fields, rename)
    fields.append(("packed", msgspec.UnsetType, msgspec.UNSET))
    return _struct(fields, rename)


def _with_bytes(fields: list[tuple[str, Any, Any]], rename: dict[str, str]) -> type[msgspec.Struct]:
    fields = [(name, kind, None) for name, kind, _ in fields] if not rename else fields
    fields.append(("packed", str | msgspec.UnsetType, msgspec.UNSET))
    return _struct(fields, rename | {"packed": "b64"})


def _struct(fields: list[tuple[str, Any, Any]], rename: dict[str, str]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Item",
        fields,
        kw_only=True,
        frozen=True,
        forbid_unknown_fields=True,
        rename=lambda name: rename.get(name, name),
    )


def _positional(signature: Signature) -> Any:
    return tuple[tuple(_element(item) for item in signature.inputs)]  # type: ignore[misc]


_PYTHON = {"b": bool, "i": int, "u": int, "f": float, "O": str}


def _element(item: Field) -> Any:
    element: Any = _PYTHON[NUMPY[item.dtype].kind]
    if item.missing:
        element = element | None
    depth = max(len(item.shape) - 1, 0) if not item.columns and len(item.shape) != 2 else 0
    for _ in range(depth):
        element = list[element]
    return element


def _unpacked(item: Field, text: str) -> Row:
    """The values that base64 bytes hold: one byte each (grey pixels), or little-endian float32."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        msg = "b64 is not base64"
        raise InvalidInput(msg, code="bad-base64", pointer="/input/b64") from None
    width = item.shape[-1]
    if len(data) == width:
        return tuple(data)
    if len(data) == 4 * width:
        return tuple(np.frombuffer(data, "<f4").tolist())
    msg = f"b64 holds {len(data)} bytes; the model takes {width} bytes, or {width} float32 numbers"
    raise InvalidInput(msg, code="wrong-length", pointer="/input/b64")
