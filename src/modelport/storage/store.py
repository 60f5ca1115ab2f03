"""What a store promises, wherever it keeps its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec


class Kept(msgspec.Struct, frozen=True):
    """An artifact in a store: SHA-256 in hex, bytes, and when it came, in seconds since the epoch."""

    digest: str
    size: int
    modified: float


class Store(Protocol):
    """Artifacts under the SHA-256 of their bytes, and small documents under names. Thread-safe; calls block.

    What is written is visible when it is whole, or not at all, also where the writer is killed. Every method
    raises `Overloaded` (`storage-unavailable`) while the store cannot be reached, after a few tries, and
    `StorageError` (`storage-denied`) where it refuses our credentials.
    """

    @property
    def url(self) -> str:
        """What `open_store` was given; without credentials, without a slash at its end."""
        ...

    def put(self, file: Path, digest: str) -> bool:
        """Keep a copy of the bytes of `file`; False, and nothing is written, where they are there already.

        Raises `BundleCorrupt` (`digest-mismatch`) when they are not those of `digest`, and `DiskFull`.
        """
        ...

    def get(self, digest: str, target: Path) -> None:
        """Copy an artifact to the file `target` of this machine, with mode 0600; replaces what is there.

        Raises `NotFound` (`artifact-absent`), `BundleCorrupt` (`digest-mismatch`) when the bytes have
        changed, and `DiskFull`; then `target` is as it was.
        """
        ...

    def size(self, digest: str) -> int | None:
        """Bytes of an artifact; None where it is not there."""
        ...

    def delete(self, digest: str) -> None:
        """Remove an artifact; that it was gone already is no error."""
        ...

    def kept(self) -> Iterator[Kept]:
        """Every artifact that is there, in no order."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Keep a document as `name`, such as `plans/local/latest.json`, in place of the one before.

        Raises `NameInvalid` and `DiskFull`.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """The document last written as `name`; None where there is none. Raises `NameInvalid`."""
        ...

    def sweep(self, before: float) -> int:
        """Remove what writers that were killed before this time left half written; how many."""
        ...
