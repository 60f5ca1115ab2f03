"""A file that appears whole or not at all, and is on the disk when it does."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelport.errors import DiskFull

_PARTIAL = re.compile(r"\..+\.[0-9a-f]{12}\.partial")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write(target: Path, pieces: Iterable[bytes]) -> None:
    """Make or replace `target`, mode 0600, of all the pieces. Raises `DiskFull`; then it is as it was."""
    partial = target.with_name(f".{target.name}.{secrets.token_hex(6)}.partial")
    try:
        with room():
            _make_folder(target.parent)
            _write(partial, pieces)
            partial.replace(target)
            _sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def left(folder: Path, before: float) -> Iterator[Path]:
    """What writers left under `folder` that were killed before this time, in seconds since the epoch."""
    for item in folder.rglob(".*.partial"):
        with suppress(FileNotFoundError):  # its writer has just finished
            if _PARTIAL.fullmatch(item.name) and item.lstat().st_mtime < before:
                yield item


@contextmanager
def room() -> Iterator[None]:
    """Says it in our words when the disk has no room left."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        msg = "no room is left where artifacts are kept"
        raise DiskFull(
            msg, hint="free some: `modelport models garbage`, or a larger disk; then try again"
        ) from error


def _write(partial: Path, pieces: Iterable[bytes]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(partial, flags, 0o600), "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    """The folder and those above it, each one noted in the one it lies in."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    """A new name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
