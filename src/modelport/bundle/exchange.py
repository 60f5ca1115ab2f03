"""Two paths change places in one step, so that a directory can be replaced atomically."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from modelport.errors import BundleError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EXDEV}


def exchange(one: Path, other: Path) -> None:
    """Swaps two existing paths of one file system, atomically.

    Raises `BundleError` where the system cannot, and `OSError` when it fails.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise _unable(other)
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        if number in _UNSUPPORTED:
            raise _unable(other)
        raise OSError(number, os.strerror(number))


def _unable(path: Path) -> BundleError:
    msg = f"this system cannot replace the directory {path.name!r} in one step"
    return BundleError(
        msg, code="bundle-exists", hint="write to a new path or to a .zip, or remove the old one"
    )
