"""What an alias demands of a version before it may point there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from modelport.core.records import Gate, Version


def refusals(gate: Gate, version: Version) -> Iterator[str]:
    """Every reason why the version does not pass; none when it does."""
    for name, bound in gate.at_least.items():
        value = version.metrics.get(name)
        if value is None or value < bound:
            yield f"{name} is {_shown(value)}, at least {bound:g} is demanded"
    for name, bound in gate.at_most.items():
        value = version.metrics.get(name)
        if value is None or value > bound:
            yield f"{name} is {_shown(value)}, at most {bound:g} is demanded"
    for name, wanted in gate.tags.items():
        if version.tags.get(name) != wanted:
            yield f"the tag {name} is not {wanted!r}"


def _shown(value: float | None) -> str:
    return "not known" if value is None else f"{value:g}"
