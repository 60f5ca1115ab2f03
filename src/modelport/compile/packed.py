"""A packed model: what a bundle is written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle.reader import Bundle, open_bundle
from modelport.bundle.writer import write
from modelport.compile.compare import Parity
from modelport.compile.speed import Speed
from modelport.core.manifest import About, Manifest, identity


class Tried(msgspec.Struct, frozen=True):
    """One way to compile that was tried, and why it was refused; empty for the one that was taken."""

    candidate: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A model proven and ready to be written.

    Attributes:
        manifest: the sealed identity document.
        about: name, label, time and source.
        files: identity files by path.
        attachments: evidence files by name.
        parity, speed: the evidence as data.
        tried: every way to compile that was tried, in order.
    """

    manifest: Manifest
    about: About
    files: Mapping[str, bytes]
    attachments: Mapping[str, bytes]
    parity: Parity
    speed: Speed
    tried: tuple[Tried, ...]

    @property
    def identity(self) -> str:
        """The identity the bundle will have, in hex."""
        return identity(self.manifest)

    def with_attachment(self, name: str, data: bytes) -> Packed:
        """The same with one more piece of evidence; the identity stays."""
        return replace(self, attachments={**self.attachments, name: data})

    def save(self, path: str | Path) -> Bundle:
        """Writes the bundle (a zip when `path` ends in `.zip`), atomically, and opens it.

        Raises `BundleError` when something else is at `path`.
        """
        written = write(path, self.manifest, self.about, self.files, self.attachments)
        return open_bundle(path, identity=written)


def as_json(document: Any) -> bytes:
    """A document as an attachment holds it: for people too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2)
