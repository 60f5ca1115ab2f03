"""A store in a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from modelport.errors import NotFound
from modelport.storage import whole
from modelport.storage.address import ARTIFACTS, digest_at, document, place
from modelport.storage.content import chunks, verified
from modelport.storage.store import Kept


class LocalStore:
    """A `Store` in the folder `root`, which is made with the first write. Folders are 0700, files 0600."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    @property
    def url(self) -> str:
        """`file:///…`"""
        return self._root.as_uri()

    def put(self, file: Path, digest: str) -> bool:
        """As `Store.put`."""
        if self.size(digest) == file.stat().st_size:
            return False
        whole.write(self._root / place(digest), verified(chunks(file), digest))
        return True

    def get(self, digest: str, target: Path) -> None:
        """As `Store.get`."""
        if self.size(digest) is None:
            raise absent(digest)
        whole.write(target, verified(chunks(self._root / place(digest)), digest))

    def size(self, digest: str) -> int | None:
        """As `Store.size`."""
        try:
            return (self._root / place(digest)).stat().st_size
        except FileNotFoundError:
            return None

    def delete(self, digest: str) -> None:
        """As `Store.delete`."""
        (self._root / place(digest)).unlink(missing_ok=True)

    def kept(self) -> Iterator[Kept]:
        """As `Store.kept`."""
        for file in (self._root / ARTIFACTS).glob("*/*"):
            digest = digest_at(file.relative_to(self._root).as_posix())
            if digest is not None:
                with suppress(FileNotFoundError):  # deleted meanwhile
                    status = file.stat()
                    yield Kept(digest, status.st_size, status.st_mtime)

    def write(self, name: str, data: bytes) -> None:
        """As `Store.write`."""
        whole.write(self._root / document(name), [data])

    def read(self, name: str) -> bytes | None:
        """As `Store.read`."""
        try:
            return (self._root / document(name)).read_bytes()
        except FileNotFoundError:
            return None

    def sweep(self, before: float) -> int:
        """As `Store.sweep`."""
        found = list(whole.left(self._root, before))
        for item in found:
            item.unlink(missing_ok=True)
        return len(found)


def absent(digest: str) -> NotFound:
    """Nothing of this digest is in the store."""
    msg = f"the store has no artifact {digest[:12]}…"
    return NotFound(msg, code="artifact-absent", hint="register the bundle again, or restore the store")
