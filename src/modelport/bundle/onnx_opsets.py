"""Which operators a graph may use: those of the domains that are known, up to the opsets that are."""

from __future__ import annotations

from collections.abc import Mapping

from modelport.bundle.protowire import Span, corrupt, fields
from modelport.errors import BundleRefused

OPSETS: Mapping[str, int] = {"": 28, "ai.onnx.ml": 5, "com.microsoft": 1}
"""Operator domains that are read, with the newest opset of each ("ai.onnx" is another name of "")."""


def domain_of(name: str) -> str:
    """The one name of a domain that has two."""
    return "" if name == "ai.onnx" else name


def take_opset(opsets: dict[str, int], message: Span) -> None:
    """Add one OperatorSetIdProto to `opsets`.

    Raises `BundleRefused` (`onnx-domain`, `onnx-opset`), or `BundleCorrupt` for a second version of a domain.
    """
    domain, version = "", 0
    for number, _, value in fields(message):
        if number == 1 and isinstance(value, Span):
            domain = domain_of(value.text())
        elif number == 2 and isinstance(value, int):
            version = value
    newest = OPSETS.get(domain)
    if newest is None:
        raise _foreign(domain)
    if not 1 <= version <= newest:
        msg = f"opset {version} of {domain or 'ai.onnx'} is not known; {newest} is the newest"
        raise BundleRefused(msg, code="onnx-opset")
    if opsets.setdefault(domain, version) != version:
        raise corrupt()


def check_domains(used: set[str], imported: set[str], local: set[str]) -> None:
    """Check that every domain in use is known, and imported unless the graph defines functions in it.

    Raises `BundleRefused` (`onnx-domain`) or `BundleCorrupt`.
    """
    foreign = used - OPSETS.keys()
    if foreign:
        raise _foreign(min(foreign))
    if used - imported - local:
        raise corrupt()


def _foreign(domain: str) -> BundleRefused:
    return BundleRefused(f"operators of the domain {domain[:60]!a} are not run here", code="onnx-domain")
