"""A file that arrives piece by piece from a caller: counted, digested, and gone unless it came whole."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Self

from modelport.errors import BadRequest, TooLarge
from modelport.storage.content import require
from modelport.storage.whole import room


class Incoming:
    """Receives one upload into a file of our own naming. Use it in a `with`, at whose end the file is gone.

    Args:
        folder: where the file lies meanwhile; made when it is missing.
        limit: most bytes.
        size: how many the caller declares, where known.
        digest: their SHA-256 in hex, where the caller declares it.

    Attributes:
        path: the file; read it after `finish`.
    """

    def __init__(
        self, folder: Path, *, limit: int, size: int | None = None, digest: str | None = None
    ) -> None:
        self._limit = limit
        self._size = size
        self._wanted = digest
        self._count = 0
        self._total = hashlib.sha256()
        with room():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(suffix=".partial", dir=folder)
        self._file = os.fdopen(descriptor, "wb")
        self.path = Path(name)

    def write(self, piece: bytes) -> None:
        """Take the next bytes. Raises `TooLarge` over the limit or the declared size, and `DiskFull`."""
        self._count += len(piece)
        if self._count > (self._limit if self._size is None else min(self._limit, self._size)):
            msg = f"the upload is longer than {'declared' if self._count <= self._limit else 'is accepted'}"
            raise TooLarge(msg, code="upload-too-large", hint=f"at most {self._limit} bytes are accepted")
        with room():
            self._file.write(piece)
        self._total.update(piece)

    def finish(self) -> str:
        """The SHA-256 of what came, in hex; `path` may be read now.

        Raises `BadRequest` (`upload-cut`) when bytes are missing, `BundleCorrupt` (`digest-mismatch`) when
        they are not those that were declared.
        """
        with room():
            self._file.flush()
        if self._size is not None and self._count < self._size:
            msg = f"the upload ended after {self._count} of {self._size} bytes"
            raise BadRequest(msg, code="upload-cut", hint="send it again")
        found = self._total.hexdigest()
        require(found, self._wanted or found)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.path.unlink(missing_ok=True)
        self._file.close()
