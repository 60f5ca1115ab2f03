"""The names under which bundles are written before they get their own, and what killed writers left."""

from __future__ import annotations

import re
import secrets
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

FORGOTTEN = 24 * 3600.0
"""Seconds after which nobody is still writing."""


def sibling(target: Path) -> Path:
    """A new hidden name beside `target`."""
    return target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")


def sweep(target: Path) -> None:
    """Remove what writers of `target` that were killed left beside it, a day ago or earlier.

    What cannot be removed stays; it takes up room and does nothing else.
    """
    ours = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{12}}\.tmp")
    with suppress(OSError):
        for item in list(target.parent.iterdir()):
            if ours.fullmatch(item.name):
                _remove(item)


def _remove(item: Path) -> None:
    with suppress(OSError):
        status = item.lstat()
        if time.time() - status.st_mtime < FORGOTTEN:
            return
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(item)
        else:
            item.unlink()
