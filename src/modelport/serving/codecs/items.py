"""Items of the native routes into batches: one item or a list, a bad one in a list alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from modelport.core.signature import Field, Signature
from modelport.errors import BadRequest, InvalidInput, ModelportError
from modelport.runtimes.batch import Array, Batch
from modelport.serving.codecs.json import decode
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.tensors import NUMPY, check_finite

Row = tuple[Any, ...]
Notes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What `input` held.

    Attributes:
        batch: the good items, in order.
        single: whether it was one item rather than a list.
        total: how many items there were.
        errors: what was wrong with the others, by position.
        notes: what the rules cleaned, by position.
        keys: of objects in it, when each item spells all its columns out; 0 without objects.
    """

    batch: Batch
    single: bool
    total: int
    errors: dict[int, ModelportError] = field(default_factory=dict)
    notes: dict[int, Notes] = field(default_factory=dict)
    keys: int = 0


class Items:
    """Decodes items for one slot: its signature says what an item is, its rules what is let through."""

    def __init__(self, signature: Signature, rules: Rules) -> None:
        self._kind = signature.item
        self._fields = signature.inputs
        self._rules = rules
        self._rows = _Rows(signature)
        inputs = signature.inputs
        self._width = len(inputs[0].columns if signature.item == "vector" else inputs)

    def decode(self, raw: msgspec.Raw) -> Decoded:
        """Read `input`; raises `BadRequest` when it is not JSON, `InvalidInput` when no item is valid."""
        first, second = _heads(raw)
        many = first == "[" and (self._kind == "text" or second in "[{]")
        if not many:
            return self._checked([self._row(raw, first)], single=True, named=first == "{")
        try:
            rows = [self._rows.values(row) for row in decode(self._rows.many(second), raw)]
            return self._checked(rows, single=False, named=second == "{")
        except ModelportError:
            return self._each(decode(_RAW_LIST, raw))

    def _each(self, items: list[msgspec.Raw]) -> Decoded:
        """Every item by itself, so that a bad one fails alone."""
        rows: list[Row] = []
        errors: dict[int, ModelportError] = {}
        notes: dict[int, Notes] = {}
        for index, item in enumerate(items):
            try:
                row = self._row(item, _heads(item)[0])
                decoded = self._checked([row], single=True)
            except ModelportError as error:
                errors[index] = error
                continue
            if decoded.notes:
                notes[index] = decoded.notes[0]
            rows.append(row)
        if not rows:
            raise none_valid(errors)
        good = self._checked(rows, single=False)
        return Decoded(good.batch, single=False, total=len(items), errors=errors, notes=notes)

    def _row(self, raw: msgspec.Raw, first: str) -> Row:
        try:
            return self._rows.values(decode(self._rows.one(first), raw))
        except BadRequest as error:
            if error.code != "invalid-document":
                raise
            raise InvalidInput(error.message, code="invalid-item", pointer=f"/input{error.pointer}") from None

    def _checked(self, rows: list[Row], *, single: bool, named: bool = False) -> Decoded:
        if not rows:
            msg = "the list of items is empty"
            raise BadRequest(msg, code="no-rows", hint="send at least one item")
        notes: dict[int, Notes] = {}
        if self._kind == "vector":
            tensors = {self._fields[0].name: self._vector(self._fields[0], rows)}
        else:
            columns = zip(*rows, strict=True)
            tensors = {
                item.name: self._column(item, values, notes)
                for item, values in zip(self._fields, columns, strict=True)
            }
        keys = self._width * len(rows) if named else 0
        return Decoded(Batch(len(rows), tensors), single, len(rows), notes=notes, keys=keys)

    def _vector(self, item: Field, rows: list[Row]) -> Array:
        width = item.shape[-1]
        for row in rows:
            if width >= 0 and len(row) != width:
                msg = f"the item has {len(row)} values, the model takes {width}"
                raise InvalidInput(msg, code="wrong-length", pointer="/input")
        array = _array(item, rows)
        self._check_numbers(item, array)
        for index, name in enumerate(item.columns if self._rules.ranges else ()):
            if name in self._rules.ranges:
                self._check_range(name, array[:, index])
        return array

    def _column(self, item: Field, values: Sequence[Any], notes: dict[int, Notes]) -> Array:
        if item.dtype == "BYTES" and len(item.shape) == 1:
            return self._texts(item, values, notes)
        array = _array(item, values)
        if array.ndim != len(item.shape):
            msg = f"{item.name!r} has {array.ndim - 1} dimensions, the model takes {len(item.shape) - 1}"
            raise InvalidInput(msg, code="shape-mismatch", pointer=f"/input/{item.name}")
        if any(want not in {-1, size} for want, size in zip(item.shape[1:], array.shape[1:], strict=True)):
            msg = (
                f"{item.name!r} has the shape {list(array.shape[1:])}, the model takes {list(item.shape[1:])}"
            )
            raise InvalidInput(msg, code="shape-mismatch", pointer=f"/input/{item.name}")
        self._check_numbers(item, array)
        if item.name in self._rules.ranges:
            self._check_range(item.name, array)
        return array

    def _texts(self, item: Field, values: Sequence[Any], notes: dict[int, Notes]) -> Array:
        array = np.empty(len(values), object)
        for index, value in enumerate(values):
            if value is None:
                array[index] = None
                continue
            array[index], cleaned = self._rules.text(value)
            if cleaned:
                notes[index] = cleaned
        if item.closed:
            _check_categories(item, array)
        return array

    def _check_numbers(self, item: Field, array: Array) -> None:
        if not self._rules.allow_nonfinite:
            try:
                check_finite(item.name, array, missing=item.missing)
            except BadRequest as error:
                raise InvalidInput(error.message, code=error.code, pointer="/input") from None

    def _check_range(self, name: str, array: Array) -> None:
        row = self._rules.outside(name, array)
        if row is not None:
            low, high = self._rules.ranges[name]
            msg = f"{name!r} is {array[row]}, outside {low} to {high}"
            raise InvalidInput(msg, code="out-of-range", pointer=f"/input/{name}")


class _Rows:
    """Typed decoders for the spellings of an item: by position and by name."""

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


def _array(item: Field, values: Sequence[Any]) -> Array:
    try:
        return np.array(values, NUMPY[item.dtype])
    except OverflowError:
        msg = f"{item.name!r} holds a number outside the range of {item.dtype}"
        raise InvalidInput(msg, code="out-of-range", pointer="/input") from None
    except (ValueError, TypeError):
        msg = f"{item.name!r} holds lists of different lengths"
        raise InvalidInput(msg, code="shape-mismatch", pointer="/input") from None


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


def _check_categories(item: Field, array: Array) -> None:
    known = frozenset(item.categories)
    for value in array:
        if value is not None and value not in known:
            msg = f"{str(value)[:100]!r} is not a category of {item.name!r}"
            raise InvalidInput(msg, code="unknown-category", pointer=f"/input/{item.name}")


def _heads(raw: msgspec.Raw) -> tuple[str, str]:
    """The first two characters that are not white space."""
    head = str(memoryview(raw)[:2], "latin-1")
    if len(head.strip()) == 2:
        return head[0], head[1]
    joined = "".join(str(memoryview(raw)[:256], "latin-1").split())
    return joined[:1] or " ", joined[1:2] or " "


def none_valid(errors: dict[int, ModelportError]) -> ModelportError:
    """The error of a list without a valid item."""
    if not errors:
        return BadRequest("the list of items is empty", code="no-rows", hint="send at least one item")
    if len(errors) == 1:
        return next(iter(errors.values()))
    error = InvalidInput(f"none of the {len(errors)} items is valid", code="no-valid-item", hint="see errors")
    error.faults = tuple((f"/input/{index}", fault.message) for index, fault in list(errors.items())[:100])
    return error


_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
