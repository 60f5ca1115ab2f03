"""Why torch cannot export a module, and what its author can change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from modelport.errors import Unsupported

_COLOURS = re.compile(r"\x1b?\[\d+m")
_LONGEST = 300


class _Reason(NamedTuple):
    """Why a module cannot be exported, and what to change."""

    code: str
    what: str
    hint: str


_DATA = _Reason(
    code="data-dependent",
    what="its steps depend on the values of its input",
    hint="write the choice with torch.where or torch.cond; no .item(), float(), int(), .tolist() in "
    "forward. Or pack it as it is, with hosted=True",
)
_SIZE = _Reason(
    code="fixed-size",
    what="it works for one size of its input only",
    hint="take sizes from the input: x.shape[0] or x.flatten(1), not a number written down",
)
_TRACED: Mapping[str, _Reason] = {
    "GuardOnDataDependentSymNode": _DATA,
    "DataDependentOutputException": _DATA,
    "UserError": _SIZE,
    "ConstraintViolationError": _SIZE,
}
"""By the class of torch's error."""


def of_export(error: Exception) -> Unsupported:
    """The refusal for what `torch.export` raised."""
    reason = next((_TRACED[each] for each in _classes(error) if each in _TRACED), None)
    if "Guard failed" in str(error):
        reason = _SIZE
    if reason is None:
        msg = f"torch.export cannot follow the module: {_first_line(error)}"
        hint = "forward must use torch operations only: no numpy, no Python state that changes"
        return Unsupported(msg, code="export-failed", hint=hint)
    if reason is _SIZE and "data-dependent" in str(error).lower():
        reason = _DATA
    return Unsupported(f"the module cannot be exported: {reason.what}", code=reason.code, hint=reason.hint)


def of_conversion(error: Exception) -> Unsupported:
    """The refusal for what the ONNX exporter raised: an operator that ONNX does not have, nearly always."""
    found = re.search(r"(?:aten|prims|torchvision|quantized|_c10d\w*)[.:]{1,2}[\w.]+", _chain(error))
    operator = found[0] if found else _first_line(error)
    msg = f"the module uses an operator that ONNX does not have: {operator}"
    hint = "compute it before the model, or with other operators; spectra and decompositions have none"
    return Unsupported(msg, code="unsupported-operator", hint=hint)


def of_script(error: Exception) -> Unsupported:
    """The refusal for what TorchScript or its exporter raised."""
    found = re.search(r"(?:aten|prim|torchvision)::[\w.]+", str(error))
    operator = found[0] if found else _first_line(error)
    msg = f"the TorchScript module cannot be exported: {operator}"
    hint = "save the module with torch.export.save instead, as .pt2"
    return Unsupported(msg, code="unsupported-operator", hint=hint)


def _classes(error: Exception) -> tuple[str, ...]:
    return tuple(each.__name__ for each in type(error).__mro__)


def _chain(error: BaseException) -> str:
    """The messages of an error and of its causes, the innermost first."""
    messages: list[str] = []
    following: BaseException | None = error
    while following is not None:
        messages.append(str(following))
        following = following.__cause__
    return "\n".join(reversed(messages))


def _first_line(error: Exception) -> str:
    line = next((line for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {line.strip()}"[:_LONGEST]
