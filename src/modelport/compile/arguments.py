"""Name, version and parameters as a caller gives them, judged before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelport.core.manifest import Parameters
from modelport.core.names import check_name
from modelport.core.patterns.judged import BadPattern, patterns
from modelport.core.ranges import strangers
from modelport.core.signature import Signature
from modelport.errors import SettingsError


def check_names(name: str, version: str | None) -> None:
    """Raise `NameInvalid` for a name or version that is none."""
    check_name(name)
    if version is not None:
        check_name(version, "version")


def parameters_of(given: Parameters | Mapping[str, Any] | None) -> Parameters:
    """The parameters in whatever was given.

    Raises `SettingsError`, also for a pattern of `validation` that a text could keep busy (`slow-pattern`).
    """
    if given is None:
        return Parameters()
    found = given if isinstance(given, Parameters) else _read(given)
    try:
        patterns(found.validation)
    except BadPattern as error:
        hint = "write it so that its repeats share no characters"
        raise SettingsError(str(error), code=error.code, hint=hint) from error
    return found


def check_ranges(parameters: Parameters, signature: Signature) -> None:
    """Raise `SettingsError` (`unknown-column`) for a range of a column that the model does not take."""
    if wrong := strangers(parameters.validation.ranges, signature):
        msg = f"validation.{wrong}"
        raise SettingsError(msg, code="unknown-column", hint="name a numeric column, or none")


def _read(given: Mapping[str, Any]) -> Parameters:
    try:
        return msgspec.convert(dict(given), Parameters)
    except msgspec.ValidationError as error:
        msg = f"the parameters are not well formed: {error}"
        raise SettingsError(msg) from error
