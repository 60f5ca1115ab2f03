"""A torch module as it is: its weights as safetensors, its class as source, for a model host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import msgspec

from modelport.compile.python.code import Code
from modelport.compile.python.code import collect as collect_code
from modelport.errors import Unsupported
from modelport.runtimes.python.spec import FOLDER

_REQUIRED = ("numpy", "safetensors", "torch")


def collect(
    module: Any,
    files: Sequence[str | Path] = (),
    requires: Sequence[str] = (),
    *,
    arguments: Mapping[str, Any] | None = None,
    pure: bool = False,
) -> Code:
    """The module's code, what it imports from beside itself, `files`, and its weights.

    A host makes the module anew: its class is called with `arguments`, which are plain data, and gets the
    weights. Raises `Unsupported` (`python-entry`) for a class that is not in a file of its own, or that makes
    another module of these arguments.
    """
    code = collect_code(type(module), files, (*requires, *_REQUIRED), pure=pure)
    given = dict(arguments or {})
    _check_made_anew(module, given)
    known = {"module": code.model.entry, "arguments": given}
    served = {
        "torch_served.py": resources("modelport.compile.torch").joinpath("served.py").read_bytes(),
        "torch_served.json": json.dumps(known, sort_keys=True).encode(),
        "weights.safetensors": _weights(module),
    }
    model = msgspec.structs.replace(code.model, entry="torch_served:Served")
    return Code(model, {**code.files, **{FOLDER + name: data for name, data in served.items()}})


def _check_made_anew(module: Any, arguments: dict[str, Any]) -> None:
    kind = type(module)
    try:
        json.dumps(arguments)
        again = kind(**arguments)
    except (TypeError, ValueError) as error:
        msg = f"{kind.__name__} cannot be made anew: {error}"
        raise _unlike(msg) from error
    if _shapes(again) != _shapes(module):
        msg = f"{kind.__name__}, made anew, has other weights than the module that was given"
        raise _unlike(msg)


def _shapes(module: Any) -> dict[str, tuple[Any, ...]]:
    return {name: (tuple(each.shape), each.dtype) for name, each in module.state_dict().items()}


def _weights(module: Any) -> bytes:
    """Each tensor by itself: what shares memory is written twice."""
    from safetensors.torch import save

    tensors = {name: each.detach().cpu().contiguous().clone() for name, each in module.state_dict().items()}
    return bytes(save(tensors))


def _unlike(msg: str) -> Unsupported:
    hint = "give what its class takes, as plain data: pack_python(module, arguments={...})"
    return Unsupported(msg, code="python-entry", hint=hint)
