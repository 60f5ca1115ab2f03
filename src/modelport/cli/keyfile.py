"""The key file: an `AccessSnapshot` as JSON, replaced as a whole so that a server never reads half of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from modelport.core.access import AccessSnapshot, KeyEntry
from modelport.errors import SettingsError


def read(path: Path) -> AccessSnapshot:
    """The snapshot in the file; empty at revision 0 when there is no file yet. Raises `SettingsError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=AccessSnapshot)
    except FileNotFoundError:
        return AccessSnapshot(0, ())
    except msgspec.DecodeError as error:
        msg = f"{path.name!r} is not a key file: {error}"
        raise SettingsError(msg, hint="keys are made with `modelport keys create --file`") from error
    except OSError as error:
        msg = f"cannot read {path.name!r}: {error.strerror}"
        raise SettingsError(msg) from error


def change(path: Path, edit: Callable[[tuple[KeyEntry, ...]], tuple[KeyEntry, ...]]) -> None:
    """Replace the keys by what `edit` makes of them, at the next revision."""
    before = read(path)
    after = AccessSnapshot(before.revision + 1, edit(before.keys))
    _replace(path, msgspec.json.format(msgspec.json.encode(after), indent=1))


def _replace(path: Path, data: bytes) -> None:
    """Readable by the owner only: the hashes help nobody, names and limits are nobody's business."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        msg = f"cannot write {path.name!r}: {error.strerror}"
        raise SettingsError(msg) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:
        with suppress(FileNotFoundError):
            Path(temporary).unlink()
