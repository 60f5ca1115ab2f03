"""Opening a bundle: documents checked when it opens, every file verified each time it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import msgspec

from modelport.bundle.directory import Directory
from modelport.bundle.format import (
    ABOUT,
    DOCUMENTS,
    MANIFEST,
    MAX_DOCUMENT,
    SUMS,
    decode_about,
    decode_manifest,
    digest,
    sums,
)
from modelport.core.golden import Golden
from modelport.core.manifest import About, FileEntry, Manifest
from modelport.core.ready import ready
from modelport.errors import BundleCorrupt, BundleError, BundleRefused

GOLDEN = "golden.json"


class Source(Protocol):
    """Where the bytes of a bundle lie: a directory or a zip."""

    def names(self) -> Sequence[str]: ...

    def read(self, name: str, limit: int) -> bytes: ...

    def close(self) -> object: ...


class Bundle:
    """An opened bundle. Thread-safe; nothing in it is imported or run. Close it, or use it in a `with`.

    Attributes:
        manifest: what changes its answers.
        about: what is known about it.
        identity: SHA-256 of its manifest, in hex.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        # The manifest first: a newer format is to be called newer, whatever else changed with it.
        manifest = source.read(MANIFEST, MAX_DOCUMENT)
        self.manifest: Manifest = decode_manifest(manifest)
        self.identity: str = digest(manifest)
        about = source.read(ABOUT, MAX_DOCUMENT)
        self.about: About = decode_about(about)
        if source.read(SUMS, MAX_DOCUMENT) != sums({MANIFEST: manifest, ABOUT: about}):
            msg = f"{SUMS} does not hold for {MANIFEST} and {ABOUT}"
            raise BundleCorrupt(
                msg, code="digest-mismatch", hint="fetch the bundle again from where it was made"
            )
        self._entries = {entry.path: entry for entry in (*self.manifest.files, *self.about.attachments)}
        self._check_names()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back what the bundle holds open; later reads fail."""
        self._source.close()

    @property
    def executable(self) -> bool:
        """Whether anything in it runs code of its author."""
        return self.manifest.executable

    def read(self, path: str) -> bytes:
        """The bytes of a listed file, size and digest verified on this very read.

        Raises `BundleCorrupt` when they do not hold, or the bundle lists no such file.
        """
        entry = self._entries.get(path)
        if entry is None:
            msg = f"the bundle lists no file {path!r}"
            raise BundleCorrupt(msg)
        data = self._source.read(path, entry.size)
        _verify(entry, data)
        return data

    def attachment(self, name: str) -> bytes:
        """The bytes of the evidence file `name`, verified. Raises `BundleCorrupt`."""
        return self.read(f"attachments/{name}")

    def attachments(self) -> tuple[str, ...]:
        """Names of the evidence files."""
        return tuple(entry.path.removeprefix("attachments/") for entry in self.about.attachments)

    def golden(self) -> Golden | None:
        """The golden rows; None for a bundle that carries none. Raises `BundleCorrupt`."""
        if GOLDEN not in self.attachments():
            return None
        try:
            return msgspec.json.decode(self.attachment(GOLDEN), type=ready(Golden))
        except (msgspec.DecodeError, RecursionError) as error:
            msg = f"the golden rows are not well formed: {error}"
            raise BundleCorrupt(msg) from error

    def _check_names(self) -> None:
        """A file that no document lists has no digest; we hold no such thing to be part of a bundle."""
        present = list(self._source.names())
        listed = {*self._entries, *DOCUMENTS, SUMS}
        if len(present) != len(set(present)):
            msg = "the bundle holds two files of one name"
            raise BundleCorrupt(msg)
        for kind, names in (("lacks", listed - set(present)), ("holds unlisted", set(present) - listed)):
            if names:
                msg = f"the bundle {kind} {', '.join(repr(name) for name in sorted(names)[:3])}"
                raise BundleCorrupt(msg)


def open_bundle(path: str | Path, *, identity: str | None = None) -> Bundle:
    """The bundle in the directory or zip at `path`.

    Raises `BundleCorrupt` when its structure does not hold or it is not the bundle `identity` names,
    `FormatTooNew` when a newer Modelport wrote it, `BundleError` when there is nothing readable there.
    """
    bundle = _opened(Path(path))
    if identity is not None and bundle.identity != identity:
        bundle.close()
        msg = f"the bundle's identity is {bundle.identity[:12]}…, {identity[:12]}… was asked for"
        raise BundleCorrupt(msg, code="digest-mismatch")
    return bundle


_WHAT = "a bundle is a directory or a .zip made by `modelport pack`"


def _opened(path: Path) -> Bundle:
    source = _source(path)
    try:
        return Bundle(source)
    except OSError as error:
        source.close()
        msg = f"cannot read the bundle {path.name!r}: {error.strerror}"
        raise BundleError(msg) from error
    except BaseException:
        source.close()
        raise


def _source(path: Path) -> Source:
    try:
        if path.is_dir():
            return _directory(path)
        if path.is_file():
            return _zip(path)
    except OSError as error:
        msg = f"cannot open the bundle {path.name!r}: {error.strerror}"
        raise BundleError(msg) from error
    msg = f"there is no bundle {path.name!r}"
    raise BundleError(msg, code="bundle-absent", hint=_WHAT)


def _directory(path: Path) -> Source:
    if not (path / MANIFEST).exists():
        msg = f"the folder {path.name!r} is no bundle: it has no {MANIFEST}"
        raise BundleCorrupt(msg, hint=_WHAT)
    return Directory(path)


def _zip(path: Path) -> Source:
    from modelport.bundle.zipped import Zipped

    with path.open("rb") as file:
        if file.read(2) != b"PK":
            msg = f"the file {path.name!r} is no bundle"
            raise BundleRefused(
                msg, code="archive-format", hint=f"{_WHAT}; a model file has to be packed first"
            )
    return Zipped(path)


def _verify(entry: FileEntry, data: bytes) -> None:
    if len(data) != entry.size:
        msg = f"{entry.path} has {len(data)} bytes, its document says {entry.size}"
        raise BundleCorrupt(msg, code="digest-mismatch", hint="fetch the bundle again from where it was made")
    if digest(data) != entry.sha256:
        msg = f"the digest of {entry.path} does not hold"
        raise BundleCorrupt(msg, code="digest-mismatch", hint="fetch the bundle again from where it was made")
