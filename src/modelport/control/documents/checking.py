"""Holds a document against its form: every unknown key and every wrong value, each with its place.

The form is a `msgspec` type; what it allows is what its JSON Schema allows, so editors and reader agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as types

from modelport.control.documents.faults import Fault, listed, meant
from modelport.control.documents.nodes import Node, Path, pointer, shown
from modelport.core.ready import ready

T = TypeVar("T")
_SECRET = re.compile(r"\$\{(?:ENV|FILE):|^secret://")


def conform(node: Node, form: type[T], faults: list[Fault]) -> T | None:
    """The document as its form; None, with what is wrong added to `faults`, when it does not fit."""
    before = len(faults)
    value = _Check(faults).value(node, types.type_info(form), ())
    return msgspec.convert(value, ready(form)) if len(faults) == before else None


class _Check:
    """Makes plain data of nodes, and collects what does not fit."""

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults

    def value(self, node: Node, wanted: types.Type, path: Path, say: str = "") -> Any:
        """What stands at a node, as `wanted` takes it."""
        wanted, say = _bare(wanted, say)
        match wanted:
            case types.StructType():
                return self._struct(node, wanted, path)
            case types.UnionType(types=[types.StructType(), *_]):
                return self._tagged(node, wanted, path)
            case types.DictType():
                return self._mapping(node, wanted, path, say)
            case types.ListType():
                return self._list(node, wanted, path, say)
        return self._scalar(node, wanted, path, say)

    def _struct(self, node: Node, form: types.StructType, path: Path) -> Any:
        if not self._is_mapping(node, path):
            return None
        fields = {field.encode_name: field for field in form.fields}
        result = {form.tag_field: form.tag} if form.tag_field else {}
        for name, member in node.value.items():
            if name in fields:
                result[name] = self.value(member.node, fields[name].type, (*path, name))
            elif name != form.tag_field:
                self._add(Fault(member.at, pointer((*path, name)), _unknown(name, form, path)))
        for name, field in fields.items():
            if field.required and name not in node.value:
                self._fault(node, path, f"{_named(path)} needs {name!r}")
        return result

    def _tagged(self, node: Node, wanted: types.UnionType, path: Path) -> Any:
        if not self._is_mapping(node, path):
            return None
        forms = {str(each.tag): each for each in wanted.types if isinstance(each, types.StructType)}
        field = next(iter(forms.values())).tag_field or ""
        if field not in node.value:
            return self._fault(node, path, f"{_named(path)} needs {field!r}: one of {listed(forms)}")
        tag = node.value[field].node
        if isinstance(tag.value, str) and tag.value in forms:
            return self._struct(node, forms[tag.value], path)
        near = meant(tag.text, forms)
        return self._fault(tag, (*path, field), f"{field!r} is {shown(tag)}: one of {listed(forms)}{near}")

    def _mapping(self, node: Node, wanted: types.DictType, path: Path, say: str) -> Any:
        if not self._is_mapping(node, path):
            return None
        self._sized(node, wanted.min_length, wanted.max_length, path)
        return {
            name: self.value(member.node, wanted.value_type, (*path, name), say)
            for name, member in node.value.items()
        }

    def _list(self, node: Node, wanted: types.ListType, path: Path, say: str) -> Any:
        if not isinstance(node.value, tuple):
            return self._fault(node, path, f"{_named(path)} is {shown(node)}: it takes a list")
        self._sized(node, wanted.min_length, wanted.max_length, path)
        return [self.value(item, wanted.item_type, (*path, at), say) for at, item in enumerate(node.value)]

    def _scalar(self, node: Node, wanted: types.Type, path: Path, say: str) -> Any:
        if isinstance(node.value, str) and _SECRET.search(node.value):
            return self._fault(node, path, f"{_named(path)} takes no secret")
        for each in wanted.types if isinstance(wanted, types.UnionType) else (wanted,):
            if _fits(node.value, each):
                return int(node.value) if isinstance(each, types.IntType) else node.value
        said = say or _said(wanted)
        near = meant(node.text, _choices(wanted))
        return self._fault(node, path, f"{_named(path)} is {shown(node)}: it takes {said}{near}")

    def _is_mapping(self, node: Node, path: Path) -> bool:
        if isinstance(node.value, dict):
            return True
        what = f"{_named(path)} is {shown(node)}: it takes keys and values"
        self._fault(node, path, what)
        return False

    def _sized(self, node: Node, least: int | None, most: int | None, path: Path) -> None:
        length = len(node.value)
        if length < (least or 0) or (most is not None and length > most):
            wants = f"{least}" if least == most else f"{least or 0} to {most}"
            self._fault(node, path, f"{_named(path)} has {length} entries: it takes {wants}")

    def _fault(self, node: Node, path: Sequence[str | int], message: str) -> None:
        self._add(Fault(node.at, pointer(path), message))

    def _add(self, fault: Fault) -> None:
        self._faults.append(fault)


def _bare(wanted: types.Type, say: str) -> tuple[types.Type, str]:
    while isinstance(wanted, types.Metadata):
        say = (wanted.extra or {}).get("say", say)
        wanted = wanted.type
    return wanted, say


def _choices(wanted: types.Type) -> list[str]:
    values = wanted.values if isinstance(wanted, types.LiteralType) else ()
    return [each for each in values if isinstance(each, str)]


def _named(path: Path) -> str:
    """The thing at a path as a fault speaks of it: its key, and of an item, its number."""
    if not path:
        return "the file"
    return repr(path[-1]) if isinstance(path[-1], str) else f"item {path[-1] + 1} of {_named(path[:-1])}"


def _unknown(name: str, form: types.StructType, path: Path) -> str:
    there = [field.encode_name for field in form.fields] + ([form.tag_field] if form.tag_field else [])
    of = f"strategy {form.tag}" if form.tag else _named(path)
    return f"unknown key {name[:60]!r} in {of}{meant(name, there) or f': it takes {listed(there)}'}"


def _fits(value: Any, wanted: types.Type) -> bool:
    """Whether a scalar is what a type of JSON Schema takes."""
    match wanted:
        case types.NoneType():
            return value is None
        case types.BoolType():
            return isinstance(value, bool)
        case types.LiteralType():
            return not isinstance(value, bool) and value in wanted.values
        case types.IntType() | types.FloatType():
            return _is_number(value, whole=isinstance(wanted, types.IntType)) and _within(value, wanted)
        case types.StrType():
            return isinstance(value, str) and _matches(value, wanted)
    return False


def _is_number(value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return not whole or float(value).is_integer()


def _within(value: float, wanted: types.IntType | types.FloatType) -> bool:
    return (
        (wanted.ge is None or value >= wanted.ge)
        and (wanted.gt is None or value > wanted.gt)
        and (wanted.le is None or value <= wanted.le)
        and (wanted.lt is None or value < wanted.lt)
    )


def _matches(value: str, wanted: types.StrType) -> bool:
    if len(value) < (wanted.min_length or 0):
        return False
    if wanted.max_length is not None and len(value) > wanted.max_length:
        return False
    return wanted.pattern is None or re.search(wanted.pattern, value) is not None


def _said(wanted: types.Type) -> str:
    """What a type takes, in words."""
    match wanted:
        case types.BoolType():
            said = "true or false"
        case types.LiteralType():
            said = f"one of {listed(str(each) for each in wanted.values)}"
        case types.IntType():
            said = f"a whole number{_range(wanted.ge, wanted.le)}"
        case types.FloatType():
            said = f"a number{_range(wanted.ge, wanted.le)}"
        case types.UnionType():
            said = " or ".join(_said(each) for each in _sorted(wanted.types))
        case types.NoneType():
            said = "null"
        case _:
            said = "a text"
    return said


def _sorted(wanted: Iterable[types.Type]) -> list[types.Type]:
    return sorted(wanted, key=lambda each: isinstance(each, types.NoneType))


def _range(least: float | None, most: float | None) -> str:
    return f" from {least} to {most}" if least is not None and most is not None else ""
