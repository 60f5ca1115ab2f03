"""Bytes and their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelport.errors import BundleCorrupt

CHUNK = 1 << 20
"""Bytes in hand at a time."""


def chunks(file: Path) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with file.open("rb") as stream:
        while piece := stream.read(CHUNK):
            yield piece


def sha256(file: Path) -> str:
    """SHA-256 of a file, in hex."""
    total = hashlib.sha256()
    for piece in chunks(file):
        total.update(piece)
    return total.hexdigest()


def verified(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """The same pieces; raises `BundleCorrupt` (`digest-mismatch`) behind the last where they are others."""
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
        yield piece
    require(total.hexdigest(), digest)


def require(found: str, digest: str) -> None:
    """Raise `BundleCorrupt` (`digest-mismatch`) unless the two are equal."""
    if found == digest:
        return
    msg = f"the bytes have the digest {found[:12]}…, they should have {digest[:12]}…"
    raise BundleCorrupt(msg, code="digest-mismatch", hint="fetch the bundle again from where it was made")
