"""Landlock: a process gives up all files but those it names. Needs no root and no other program."""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from modelport.compile.sandbox import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same number on every machine
_ASK_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_FILE_RIGHTS = 16
_NET = 0b11  # bind and connect by TCP, from version 4
_SCOPES = 0b11  # abstract sockets and signals to others, from version 6


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    try:
        return kernel.check(kernel.libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION))
    except OSError:
        return 0


def restrict(readable: Iterable[Path], writable: Iterable[Path] = ()) -> None:
    """Leave the calling thread only reading below `readable` and writing to the files `writable`.

    Paths that do not exist are passed over. Running programs, making files and, where the kernel knows how,
    TCP and signals to others are refused throughout. Needs `kernel.forget_privileges` first. Raises
    `OSError`.
    """
    level = version()
    files = (1 << _FILE_RIGHTS.get(level, _NEWEST_FILE_RIGHTS)) - 1
    rules = _Ruleset(files, _NET if level >= 4 else 0, _SCOPES if level >= 6 else 0)
    size = 24 if level >= 6 else 16 if level >= 4 else 8
    ruleset = kernel.check(
        kernel.libc().syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    )
    try:
        for path in readable:
            _allow(ruleset, path, (_READ_FILE | _READ_DIR) & files)
        for path in writable:
            _allow(ruleset, path, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & files)
        kernel.check(kernel.libc().syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= ~_READ_DIR
        rule = _Beneath(rights, place)
        kernel.check(kernel.libc().syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)
