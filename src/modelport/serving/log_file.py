"""A log file of bounded size that several processes write to; whoever finds it full begins it anew.

    NAME   what is written now       NAME.1   what was written before       NAME.2 ... NAME.KEPT   older still

The processes of a replica share one file as their standard error, and none of them outlives all others. So
whoever finds it full renames it, under a lock, and everybody else notices with the next line that the name is
another file's.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import msgspec

from modelport.errors import SettingsError
from modelport.serving.settings import Settings
from modelport.serving.turn import turn


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where it is; how many bytes it may have, one line more or less; how many full ones are kept."""

    path: Path
    most: int
    kept: int

    def take(self, descriptor: int) -> None:
        """Let an open descriptor write to the file from now on.

        Raises `SettingsError` (`not-writable`) for a file that cannot be written.
        """
        try:
            self._reopen(descriptor)
        except OSError as error:
            msg = f"the log file {self.path.name!r} cannot be written: {error.strerror}"
            raise SettingsError(
                msg, code="not-writable", hint="check the path and its permissions"
            ) from error

    def follow(self, descriptor: int) -> None:
        """Let a descriptor that once took the file write to what has its name now; a full one is put aside.

        Whatever cannot be done is left for the next line: what is written goes where it went.
        """
        with suppress(OSError):
            own = os.fstat(descriptor)
            if own.st_size >= self.most:
                self._put_aside(own)
            if not self._is_named(own):
                self._reopen(descriptor)

    def _put_aside(self, full: os.stat_result) -> None:
        with turn(self.path.with_name(f".{self.path.name}.lock")):
            if not self._is_named(full):
                return  # somebody else was first
            for number in range(self.kept, 0, -1):
                older = self._numbered(number)
                with suppress(FileNotFoundError):
                    self._numbered(number - 1).replace(older)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path

    def _is_named(self, own: os.stat_result) -> bool:
        try:
            return os.path.samestat(own, self.path.stat())
        except FileNotFoundError:
            return False

    def _reopen(self, descriptor: int) -> None:
        fresh = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.dup2(fresh, descriptor, inheritable=os.get_inheritable(descriptor))
        finally:
            os.close(fresh)


def absolute(settings: Settings) -> Settings:
    """The settings for processes that run in other folders."""
    if settings.log_file is None:
        return settings
    return msgspec.structs.replace(settings, log_file=str(Path(settings.log_file).absolute()))


def of(settings: Settings) -> LogFile | None:
    """The file that settings name; None for standard error as it is."""
    if settings.log_file is None:
        return None
    return LogFile(Path(settings.log_file), settings.log_bytes, settings.log_kept)


class Following(logging.StreamHandler[TextIO]):
    """Writes lines to a stream over a descriptor that follows a file."""

    def __init__(self, stream: TextIO, file: LogFile) -> None:
        super().__init__(stream)
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, wherever the file is now."""
        self._file.follow(self.stream.fileno())
        super().emit(record)
