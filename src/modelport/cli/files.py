"""Files that a command was told to read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelport.errors import SettingsError


@contextmanager
def reading(file: Path, code: str) -> Iterator[None]:
    """Says by its name what is wrong with a text file; `code` is of one that is no UTF-8.

    Raises `SettingsError`.
    """
    try:
        yield
    except OSError as error:
        msg = f"cannot read {file.name!r}: {error.strerror}"
        raise SettingsError(msg, code="no-such-file", hint="check the path") from error
    except UnicodeDecodeError as error:
        msg = f"{file.name!r} is not UTF-8"
        raise SettingsError(msg, code=code) from error
