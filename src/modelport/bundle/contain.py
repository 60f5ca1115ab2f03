"""The one answer to "does this name stay inside?", used by every door that takes a file name.

Names inside a bundle are relative POSIX paths of plain components. They are judged by component, never by
string prefix (`/store-evil` is not inside `/store`), and opened component by component through directory
descriptors without following links, so nothing swapped in between can lead outside.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelport.errors import BundleRefused

MAX_NAME = 512
"""Longest name, in bytes: far below PATH_MAX, so a bundle can be unpacked anywhere."""

MAX_DEPTH = 8
"""Most components of a name."""

_COMPONENT = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def components(name: str) -> tuple[str, ...]:
    """The components of a name inside a bundle.

    Raises `BundleRefused` (code `name-refused`) for everything that is not a plain relative path: `..`,
    absolute paths, drive letters, backslashes, NUL, hidden files, trailing dots or spaces, device names,
    names that are too long or too deep.
    """
    parts = tuple(name.split("/"))
    if len(name.encode("utf-8", "replace")) > MAX_NAME or len(parts) > MAX_DEPTH:
        msg = "a file name is too long or too deep"
        raise BundleRefused(msg, code="name-refused")
    if not all(_plain(part) for part in parts):
        msg = f"{name[:80]!a} is not a plain relative name"
        raise BundleRefused(
            msg,
            code="name-refused",
            hint="use letters, digits, dot, dash and underscore, with / between folders",
        )
    return parts


def _plain(part: str) -> bool:
    return _COMPONENT.fullmatch(part) is not None and _DEVICE.fullmatch(part) is None


def is_within(root: Path, path: Path) -> bool:
    """Whether `path`, with every link resolved, is `root` or lies below it, compared by components."""
    return path.resolve().is_relative_to(root.resolve())


@contextmanager
def folder(root: Path) -> Iterator[int]:
    """A descriptor of the directory `root`, which itself must not be a link."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def parent_of(root: int, parts: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
    """A descriptor of the directory that holds the last of `parts`; made with mode 0700 if `create`."""
    current = os.dup(root)
    try:
        for part in parts[:-1]:
            below = _step(current, part, create=create)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


def _step(current: int, part: str, *, create: bool) -> int:
    if create:
        # It may be there for an earlier member; the open below refuses anything but a directory.
        with suppress(FileExistsError):
            os.mkdir(part, 0o700, dir_fd=current)
    return os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)


@contextmanager
def open_inside(root: Path, name: str) -> Iterator[int]:
    """A read-only descriptor of the regular file `name` below `root`, reached without following a link.

    Raises `BundleRefused`: code `name-refused` for a name that leaves, `link-refused` for a link anywhere on
    the way or anything that is not a regular file. Raises `FileNotFoundError` when there is no such file.
    """
    parts = components(name)
    descriptor = _open(root, parts)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            msg = f"{name} is not a regular file"
            raise BundleRefused(msg, code="link-refused")
        yield descriptor
    finally:
        os.close(descriptor)


def _open(root: Path, parts: tuple[str, ...]) -> int:
    # O_NONBLOCK: opening a fifo must not wait for a writer.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        with folder(root) as top, parent_of(top, parts) as parent:
            return os.open(parts[-1], flags, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:  # ELOOP, ENOTDIR, ENXIO: a link, or not a file
        name = "/".join(parts)
        msg = f"{name} is a link or not a regular file"
        raise BundleRefused(msg, code="link-refused") from error
