"""What differs between two versions: documents, files, metrics, contract. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelport.core.manifest import About, Manifest
from modelport.core.records import Version
from modelport.core.sights import Change

_NEVER = object()


def described(version: Version, manifest: Manifest, about: About) -> dict[str, Any]:
    """All that can differ of a version, as plain data."""
    known = msgspec.to_builtins(version)
    kept = ("label", "task", "contract", "metrics", "tags", "lineage", "identity", "size")
    bundle = msgspec.to_builtins(manifest)
    files = {entry.path: entry.sha256 for entry in manifest.files}
    evidence = {entry.path: entry.sha256 for entry in about.attachments}
    del bundle["files"]
    return {name: known.get(name) for name in kept} | {
        "manifest": bundle,
        "files": files,
        "evidence": evidence,
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every place that differs, by path; lists are compared as wholes."""
    first, second = dict(_leaves(before)), dict(_leaves(after))
    found = []
    for path in sorted(first.keys() | second.keys()):
        old, new = first.get(path, _NEVER), second.get(path, _NEVER)
        if old != new:
            found.append(_change(path, old, new))
    return tuple(found)


def _change(path: str, old: Any, new: Any) -> Change:
    if old is _NEVER:
        return Change(path, "created", after=new)
    if new is _NEVER:
        return Change(path, "removed", before=old)
    return Change(path, "changed", old, new)


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        here = f"{path}/{name}" if path else name
        if isinstance(inner, Mapping):
            yield from _leaves(inner, here)
        elif inner is not None:
            yield here, inner
