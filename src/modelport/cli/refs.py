"""Versions as people name them on the command line: `churn:2`, `churn@champion`, `churn:2.1.0`, `churn`."""

from __future__ import annotations

from modelport.core.names import check_name
from modelport.errors import NameInvalid


def parted(text: str) -> tuple[str, str | None]:
    """The model, and what is said of its version: a number, a label, an alias, a digest; None when nothing.

    Which version that is, the control plane knows. Raises `NameInvalid`.
    """
    for sign in "@:":
        model, found, version = text.partition(sign)
        if found:
            return check_name(model), version or None
    return check_name(text), None


def named(text: str) -> tuple[str, str]:
    """The same where a version has to be said; raises `NameInvalid`."""
    model, version = parted(text)
    if version is None:
        msg = f"{text!r} names no version"
        raise NameInvalid(msg, hint=f"write {model}:2, or {model}@champion")
    return model, version
