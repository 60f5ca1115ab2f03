"""Zip archives as bundles travel in them: read within limits, unpacked without trust.

Names, attributes, counts and sizes are judged before a byte is decompressed; while decompressing, bytes are
counted and compared with what was declared, so a lie costs its author the upload and us a few kilobytes.
A member that is an archive itself is just bytes: nothing here opens it.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from modelport.bundle import contain
from modelport.bundle.zipdir import Entry, read_directory
from modelport.errors import BundleCorrupt, BundleRefused

_STORED, _DEFLATED = 0, 8
_UNIX = 3
_CHUNK = 1 << 20
_SETID = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of one member and of all, and the most one stored byte may grow to.

    `ratio` is judged on members above `small` bytes: below that, no bomb fits.
    """

    member: int = 2 << 30
    total: int = 8 << 30
    ratio: int = 200
    small: int = 1 << 20


class Archive:
    """The regular files of a zip archive. Reading is thread-safe until `close`."""

    def __init__(self, descriptor: int, entries: dict[str, Entry]) -> None:
        self._descriptor = descriptor
        self._entries = entries

    def names(self) -> tuple[str, ...]:
        """Names of the regular files, sorted."""
        return tuple(sorted(self._entries))

    def size(self, name: str) -> int:
        """The declared size of a member in bytes; reading never gives more. Raises `KeyError`."""
        return self._entries[name].size

    def read(self, name: str) -> bytes:
        """The bytes of a member, checked against declared size and CRC.

        Raises `KeyError` for an unknown name, `BundleCorrupt` (`archive-corrupt`, `archive-size`).
        """
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member in pieces of at most 1 MiB, checked as `read` does."""
        entry = self._entries[name]
        crc = count = 0
        for piece in self._pieces(entry):
            count += len(piece)
            if count > entry.size:
                msg = f"{name} is larger than it declares"
                raise BundleRefused(msg, code="archive-size")
            crc = zlib.crc32(piece, crc)
            yield piece
        if count != entry.size or crc != entry.crc:
            msg = f"{name} is damaged"
            raise BundleCorrupt(msg, code="archive-corrupt", hint="copy the archive again")

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        return self._packed(entry) if entry.method == _STORED else self._inflated(entry)

    def _packed(self, entry: Entry) -> Iterator[bytes]:
        stop = entry.data + entry.packed
        for at in range(entry.data, stop, _CHUNK):
            yield os.pread(self._descriptor, min(_CHUNK, stop - at), at)

    def _inflated(self, entry: Entry) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        for packed in self._packed(entry):
            rest = packed
            while rest and not inflate.eof:
                try:
                    yield inflate.decompress(rest, _CHUNK)
                except zlib.error as error:
                    msg = "the archive is damaged"
                    raise BundleCorrupt(msg, code="archive-corrupt") from error
                rest = inflate.unconsumed_tail
        yield inflate.flush(_CHUNK)

    def close(self) -> None:
        """Give the file back; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_archive(path: Path, limits: Limits | None = None) -> Archive:
    """Open a zip archive whose every entry has been judged.

    Raises `BundleRefused` with code `archive-format` (not a zip, encrypted, unknown compression),
    `archive-path`, `archive-link`, `archive-duplicate`, `archive-entries`, `archive-overlap`,
    `archive-size` or `archive-ratio`; `BundleCorrupt` with `archive-corrupt`; `OSError` when `path` cannot
    be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return Archive(descriptor, _judged(descriptor, limits or Limits()))
    except BaseException:
        os.close(descriptor)
        raise


def _judged(descriptor: int, limits: Limits) -> dict[str, Entry]:
    files: dict[str, Entry] = {}
    folders: list[str] = []
    for entry in read_directory(descriptor):
        name = _name(entry)
        if entry.name.endswith(b"/"):
            folders.append(name)
        elif name in files:
            msg = "the archive names a file twice"
            raise BundleRefused(msg, code="archive-duplicate")
        else:
            files[name] = entry
    _refuse_twins(list(files), folders)
    _refuse_sizes(files, limits)
    return files


def _refuse_twins(files: list[str], folders: list[str]) -> None:
    """Two names that meet on some disk: equal but for case, or one name as file and as folder."""
    taken = {name.casefold() for name in files}
    if len(taken) != len(files):
        msg = "the archive names a file twice"
        raise BundleRefused(msg, code="archive-duplicate")
    inner = {parent for name in (*files, *folders) for parent in _parents(name.casefold())}
    if taken & (inner | {name.casefold() for name in folders}):
        msg = "the archive uses one name as file and as folder"
        raise BundleRefused(msg, code="archive-duplicate")


def _parents(name: str) -> Iterator[str]:
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name


def _refuse_sizes(files: dict[str, Entry], limits: Limits) -> None:
    for name, entry in files.items():
        if entry.size > limits.member:
            msg = f"{name} holds more than {limits.member} bytes"
            raise BundleRefused(msg, code="archive-size")
        if entry.method == _STORED and entry.size != entry.packed:
            msg = f"{name} has two sizes"
            raise BundleCorrupt(msg, code="archive-corrupt")
        if entry.size > max(limits.small, limits.ratio * entry.packed):
            msg = f"{name} grows too much when unpacked"
            raise BundleRefused(msg, code="archive-ratio")
    total = sum(entry.size for entry in files.values())
    if total > limits.total:
        msg = f"the archive holds more than {limits.total} bytes"
        raise BundleRefused(msg, code="archive-size")
    if total > limits.ratio * sum(entry.packed for entry in files.values()) + 16 * limits.small:
        msg = "the archive grows too much when unpacked"
        raise BundleRefused(msg, code="archive-ratio")


def _name(entry: Entry) -> str:
    """The name of an entry, after path and attributes are found harmless."""
    try:
        name = entry.name.decode("ascii").removesuffix("/")
        contain.components(name)
    except (UnicodeDecodeError, BundleRefused) as error:
        shown = entry.name[:80].decode("ascii", "backslashreplace")
        msg = f"the archive names a file {shown!a}"
        raise BundleRefused(msg, code="archive-path") from error
    _refuse_attributes(name, entry)
    return name


def _refuse_attributes(name: str, entry: Entry) -> None:
    mode = entry.attributes >> 16 if entry.system == _UNIX else 0
    wanted = stat.S_IFDIR if entry.name.endswith(b"/") else stat.S_IFREG
    if stat.S_IFMT(mode) not in (0, wanted) or mode & _SETID:
        msg = f"{name} is a link, a device or has set-id bits"
        raise BundleRefused(msg, code="archive-link")
    if entry.method not in (_STORED, _DEFLATED):
        msg = f"{name} uses a compression that is not read"
        raise BundleRefused(msg, code="archive-format")


def unpack(archive: Archive, into: Path) -> None:
    """Write every member below the new folder `into`, which appears whole or not at all.

    Files get mode 0600 and folders 0700 whatever the archive says. Raises `FileExistsError` when `into`
    exists, and what `Archive.read` raises; then nothing is left behind.
    """
    if os.path.lexists(into):
        raise FileExistsError(into.name)
    partial = Path(tempfile.mkdtemp(prefix=f".{into.name}.", suffix=".partial", dir=into.parent))
    try:
        with contain.folder(partial) as root:
            for name in archive.names():
                _write(root, name, archive.chunks(name))
            os.fsync(root)
        partial.rename(into)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write(root: int, name: str, chunks: Iterator[bytes]) -> None:
    parts = contain.components(name)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with contain.parent_of(root, parts, create=True) as parent:
        descriptor = os.open(parts[-1], flags, 0o600, dir_fd=parent)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())
