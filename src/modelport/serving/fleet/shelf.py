"""The folder of this machine in which fetched bundles lie, under the digest of their bytes. All calls block.

Several replicas may share it: whoever needs a bundle first fetches it, the others wait for that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from modelport.serving.turn import turn
from modelport.storage.address import parse_artifact, place
from modelport.storage.content import sha256

Fetch = Callable[[str, Path], None]
"""Copies the artifact at a URL to a file, whole and with its digest verified, or raises `ModelportError`."""


class Shelf:
    """At most `quota` bytes, but for what is named by a plan."""

    def __init__(self, folder: Path, fetch: Fetch, quota: int) -> None:
        self._folder = folder.absolute()
        self._fetch = fetch
        self._quota = quota

    def path(self, url: str) -> Path:
        """Where the bundle of this URL lies once it is here. Raises `SettingsError` for no artifact's URL."""
        return self._folder / place(parse_artifact(url)[1])

    def stock(self, url: str) -> None:
        """Have the bundle here, its bytes as its digest says; fetched unless it is. Raises
        `ModelportError`."""
        path = self.path(url)
        with turn(self._lock(path)):
            if not _whole(path):
                self._fetch(url, path)
        os.utime(path)

    def tidy(self, named: Collection[Path]) -> int:
        """Remove what no plan names, longest unused first, until the rest fits; how many bytes went."""
        found = sorted(self._bundles(), key=lambda each: each[1].st_mtime)
        over = sum(status.st_size for _, status in found) - self._quota
        gone = 0
        for path, status in found:
            if gone >= over:
                break
            if path not in named:
                path.unlink(missing_ok=True)
                gone += status.st_size
        return gone

    def _bundles(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._folder.glob("sha256/*/*.bundle"):
            try:
                yield path, path.stat()
            except FileNotFoundError:
                continue  # another replica was tidying, too

    def _lock(self, path: Path) -> Path:
        """The lock of this bundle, which it shares with some others."""
        locks = self._folder / "locks"
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        return locks / path.stem[:2]


def _whole(path: Path) -> bool:
    """Whether the bytes there are those of its name."""
    try:
        return sha256(path) == path.stem
    except OSError:
        return False
