"""Reading the files of a directory that we do not trust: no links followed, no special files, sizes first."""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path

from modelport.bundle.format import FOLDERS, MAX_FILES
from modelport.errors import BundleCorrupt

# Non-blocking, so that opening a named pipe fails the file check instead of waiting for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_DEPTH = 5


class Directory:
    """The files under one opened directory.

    It holds the directory itself, not its name: after another bundle took the name, it still reads the files
    it was opened on. Thread-safe.
    """

    def __init__(self, path: Path) -> None:
        self._root = os.open(path, _FOLDER)
        self.close = weakref.finalize(self, os.close, self._root)

    def names(self) -> list[str]:
        """Relative paths of all but directories. Raises `BundleCorrupt` when there is too much of it."""
        found: list[str] = []
        for name, is_folder in _listed(self._root):
            if name in FOLDERS and is_folder:
                self._walk(name, found, depth=1)
            else:
                found.append(name)
        return found

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of `name`. Raises `BundleCorrupt` when it is absent, no plain file, or above `limit`."""
        descriptor = self._open(name)
        try:
            status = os.fstat(descriptor)
            # A hard link is let through: its bytes are used only where they have the digest that the bundle's
            # documents name, so whoever made the bundle has had them already.
            if not stat.S_ISREG(status.st_mode):
                msg = f"{name} is not a regular file"
                raise BundleCorrupt(msg)
            if status.st_size > limit:
                msg = f"{name} has {status.st_size} bytes where at most {limit} were expected"
                raise BundleCorrupt(msg)
            # The descriptor stays ours: a file that grows now still gives at most one byte too many.
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(limit + 1)
        finally:
            os.close(descriptor)

    def _walk(self, folder: str, found: list[str], depth: int) -> None:
        if depth > _MAX_DEPTH:
            msg = f"{folder} is nested too deep"
            raise BundleCorrupt(msg)
        descriptor = self._open(folder, _FOLDER)
        try:
            for name, is_folder in _listed(descriptor):
                if is_folder:
                    self._walk(f"{folder}/{name}", found, depth + 1)
                else:
                    found.append(f"{folder}/{name}")
                _count(found)
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int = _FILE) -> int:
        """Opens `name` one segment at a time, so that no parent can be a link either."""
        *parents, last = name.split("/")
        folder = os.dup(self._root)
        try:
            for parent in parents:
                inner = os.open(parent, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            return os.open(last, flags | os.O_NOFOLLOW, dir_fd=folder)
        except OSError as error:
            msg = f"cannot open {name}: {error.strerror}"
            raise BundleCorrupt(msg) from error
        finally:
            os.close(folder)


def _listed(descriptor: int) -> list[tuple[str, bool]]:
    """The entries of an opened directory in order, each with whether it is a directory (a link is none)."""
    with os.scandir(descriptor) as entries:
        return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)


def _count(found: list[str]) -> None:
    if len(found) > 2 * MAX_FILES:
        msg = f"the bundle holds more than {2 * MAX_FILES} files"
        raise BundleCorrupt(msg)
