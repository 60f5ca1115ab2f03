"""The last good document on this disk: a replica starts with it while nobody else can be asked."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from modelport.errors import ModelportError
from modelport.serving.log import note
from modelport.storage import whole

_DIGEST = 64


class Kept:
    """One file: the SHA-256 of a document in hex, a line break, and the document. Whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """The document; None when there is none, or when the file is damaged, which is logged."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return None
        digest, body = data[:_DIGEST], data[_DIGEST + 1 :]
        if hashlib.sha256(body).hexdigest().encode() != digest:
            note("last good document damaged", logging.ERROR, file=self._path.name)
            return None
        return body

    def write(self, body: bytes) -> None:
        """Keep another one. A disk that takes nothing is logged: only the next start would need it."""
        try:
            whole.write(self._path, [hashlib.sha256(body).hexdigest().encode(), b"\n", body])
        except (OSError, ModelportError) as error:
            note("last good document not kept", logging.ERROR, file=self._path.name, reason=str(error))
