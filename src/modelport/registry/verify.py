"""Whether every version's artifact is there and is what was registered: the doctor's long look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from modelport.db.connect import Database
from modelport.errors import BundleCorrupt, NotFound
from modelport.registry import artifacts
from modelport.storage.store import Store


class Damaged(msgspec.Struct, frozen=True):
    """An artifact that cannot be served any more, and the ids of the versions that have it."""

    digest: str
    versions: tuple[str, ...]
    problem: Literal["artifact-absent", "digest-mismatch"]


def damaged(database: Database, store: Store) -> Iterator[Damaged]:
    """Read every artifact that a version has; tell those that are gone or changed."""
    with database.reading() as connection:
        known = {digest: artifacts.named(connection, digest) for digest in artifacts.sizes(connection)}
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        for digest, versions in known.items():
            problem = _problem(store, digest, Path(folder) / "copy")
            if problem is not None:
                yield Damaged(digest, versions, problem)


def clear(store: Store, found: Damaged) -> None:
    """Remove changed bytes, so that registering the bundle again puts whole ones in their place."""
    if found.problem == "digest-mismatch":
        store.delete(found.digest)


def _problem(store: Store, digest: str, copy: Path) -> Literal["artifact-absent", "digest-mismatch"] | None:
    try:
        store.get(digest, copy)
    except NotFound:
        return "artifact-absent"
    except BundleCorrupt:
        return "digest-mismatch"
    return None
