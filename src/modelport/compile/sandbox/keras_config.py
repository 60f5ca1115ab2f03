"""What a Keras model may be described by: classes and functions of Keras, by name, and plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelport.errors import SourceRefused

_CODE = frozenset({"__lambda__", "Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"})
"""Classes that carry code, or load more files by paths of their author's choice."""

_PLAIN = frozenset({"builtins", "keras", "numpy"})
_DEPTH = 200


def check(config: Any) -> None:
    """Look at every object that a description names.

    Raises `SourceRefused`: `keras-code` for one that carries code (`Lambda` and others), `keras-custom` for
    one that is not of Keras, `keras-corrupt` for a description that nests too deeply.
    """
    for each in _objects(config, 0):
        _check_class(str(each.get("class_name", "")), str(each.get("name") or ""))
        _check_module(each)


def _objects(config: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _DEPTH:
        msg = "the Keras file cannot be read: its description nests too deeply"
        raise SourceRefused(msg, code="keras-corrupt")
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from _objects(value, depth + 1)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value, depth + 1)


def _check_class(kind: str, name: str) -> None:
    last = kind.rpartition(">")[2]
    if last in _CODE:
        said = "a Lambda layer" if last in {"__lambda__", "Lambda"} else f"a {last}"
        called = f" {name!r}" if name else ""
        msg = f"the model holds {said}{called}, which is code of its author"
        hint = "write it with layers of Keras, or export it: model.export(folder) keeps what it computes"
        raise SourceRefused(msg, code="keras-code", hint=hint)


def _check_module(each: dict[str, Any]) -> None:
    """Keras' own parts are named by their module; somebody's own by the name they were registered under."""
    module, registered = each.get("module"), each.get("registered_name")
    foreign = isinstance(module, str) and module.partition(".")[0] not in _PLAIN
    own = module is None and registered is not None
    if foreign or own or each.get("class_name") == "function":
        function = each.get("config") if each.get("class_name") == "function" else None
        raise custom(str(function or registered or each.get("class_name")))


def custom(name: str) -> SourceRefused:
    """The refusal of a part that its author wrote."""
    msg = f"the model holds {name!r}, which is not a part of Keras"
    hint = "export it with model.export(folder), which needs no code, and pack the folder"
    return SourceRefused(msg, code="keras-custom", hint=hint)
