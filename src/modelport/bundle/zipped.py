"""A bundle in a zip: the archive's judged members, read under the sizes its documents name."""

from __future__ import annotations

from pathlib import Path

from modelport.bundle.archive import open_archive
from modelport.errors import BundleCorrupt


class Zipped:
    """The files of one opened zip. Thread-safe until `close`; it reads on from a zip that lost its name."""

    def __init__(self, path: Path) -> None:
        self._archive = open_archive(path)
        self.close = self._archive.close

    def names(self) -> tuple[str, ...]:
        """Names of all members."""
        return self._archive.names()

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of the member `name`. Raises `BundleCorrupt` when it is absent or above `limit`."""
        try:
            size = self._archive.size(name)
        except KeyError:
            msg = f"the bundle lacks {name!r}"
            raise BundleCorrupt(msg) from None
        if size > limit:
            msg = f"{name} has {size} bytes where at most {limit} were expected"
            raise BundleCorrupt(msg)
        return self._archive.read(name)
