"""Bundle files on this machine: fetched once, verified each time, gone when nobody asked for a while."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from modelport.errors import BundleCorrupt
from modelport.storage.content import require, sha256
from modelport.storage.store import Store

KEPT_SECONDS = 3600.0
"""How long a file stays that nobody asks for."""


class Downloads:
    """Copies of artifacts in a folder of our own. Thread-safe."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def file(self, digest: str) -> Path:
        """The artifact as a file; open it soon. Raises what `Store.get` raises."""
        self._prune()
        path = self._folder / f"{digest}.bundle"
        if not _holds(path, digest):
            self._store.get(digest, path)
        os.utime(path)
        return path

    def _prune(self) -> None:
        """Remove what nobody asked for; a reader that has it open reads on."""
        oldest = time.time() - KEPT_SECONDS
        with suppress(FileNotFoundError):
            for item in list(self._folder.iterdir()):
                with suppress(FileNotFoundError):
                    if item.lstat().st_mtime < oldest:
                        item.unlink()


def _holds(path: Path, digest: str) -> bool:
    try:
        require(sha256(path), digest)
    except (FileNotFoundError, BundleCorrupt):
        return False
    return True
