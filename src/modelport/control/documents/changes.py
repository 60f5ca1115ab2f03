"""What differs between two documents, as rows: for a dry run, for history, for a diff of configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelport.control.documents import printing
from modelport.control.wanted import Asked
from modelport.core.deployment import DeploymentSpec, ModelConfig
from modelport.core.sights import Change


def changes(
    path: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Change, ...]:
    """How one document becomes another: a row for each key that differs, a list being one value.

    A document that was not there, or is no more, or has not changed, is one row with the document's own path
    (`deployment/churn`); what differs inside has its key behind (`deployment/churn.steps`).
    """
    if before is None and after is None:
        return ()
    if before is None:
        return (Change(path, "created", None, after),)
    if after is None:
        return (Change(path, "removed", before, None),)
    rows = tuple(_differing(path, before, after))
    return rows or (Change(path, "unchanged", before, after),)


def becoming(asked: Asked, now: DeploymentSpec | ModelConfig | None) -> tuple[Change, ...]:
    """What an apply changes of what is wanted now, in the words of the documents."""
    before = None if now is None else printed(asked.name, now)
    return changes(f"{asked.kind}/{asked.name}", before, printed(asked.name, asked.resolved))


def printed(name: str, resolved: DeploymentSpec | ModelConfig) -> dict[str, Any]:
    """The document that says what is wanted."""
    if isinstance(resolved, DeploymentSpec):
        return printing.deployment(resolved)
    return printing.model_config(name, resolved)


def _differing(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in [*before, *(key for key in after if key not in before)]:
        at = f"{path}.{key}"
        if key not in after:
            yield Change(at, "removed", before[key], None)
        elif key not in before:
            yield Change(at, "created", None, after[key])
        elif isinstance(before[key], Mapping) and isinstance(after[key], Mapping):
            yield from _differing(at, before[key], after[key])
        elif before[key] != after[key] or isinstance(before[key], bool) is not isinstance(after[key], bool):
            yield Change(at, "changed", before[key], after[key])
