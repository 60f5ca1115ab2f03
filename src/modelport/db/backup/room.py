"""A full disk, in our words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from modelport.errors import DiskFull


@contextmanager
def room() -> Iterator[None]:
    """Raises `DiskFull` where what is inside finds no space."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        msg = "there is no room to put down the parts of a backup"
        raise DiskFull(msg, hint="free some space in the state folder") from error
