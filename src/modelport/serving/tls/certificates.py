"""Credentials from files that are watched: a renewed certificate is used without a restart."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

from modelport.errors import SettingsError
from modelport.serving.log import note
from modelport.serving.replica.messages import Credentials
from modelport.serving.replica.pause import Pause
from modelport.serving.settings import Settings
from modelport.serving.tls import contexts

INTERVAL = 0.5
"""Seconds between two looks at the files."""
MAX_FILE = 4 * 1024 * 1024
"""Longest file, in bytes: a bundle of every public authority is a quarter of that."""

Stamp = tuple[tuple[int, int, int], ...]


class CertificateFiles:
    """Certificate, key and client authorities of a replica.

    The key and the certificate are two files, which nobody can replace at once: what is found changed is
    judged when it was the same at two looks.
    """

    def __init__(self, cert: str, key: str, client_ca: str | None) -> None:
        self._paths = (Path(cert), Path(key), *([Path(client_ca)] if client_ca else []))
        self._pause = Pause(INTERVAL)
        self._again = False

    def reload(self) -> None:
        """Read again now, whatever the time stamps say."""
        self._again = True
        self._pause.nudge()

    async def credentials(self) -> AsyncIterator[Credentials]:
        """What the files hold, and each good set they are replaced with.

        Raises `SettingsError` for the first set; a later one that cannot be used is logged, and what there
        was stays in use.
        """
        read = self._stamp()
        known = usable(self._paths)
        yield known
        before = read
        while True:
            await self._pause.over()
            now = self._stamp()
            if (now != read and now == before) or self._again:
                self._again, read = False, now
                fresh = self._fresh(known)
                if fresh is not None:
                    known = fresh
                    yield known
            before = now

    def _fresh(self, known: Credentials) -> Credentials | None:
        """The content of the files when it is another, and can be used."""
        try:
            found = usable(self._paths)
        except SettingsError as error:
            note("certificate refused", logging.ERROR, code=error.code, reason=error.message, hint=error.hint)
            return None
        return found if found != known else None

    def _stamp(self) -> Stamp:
        return tuple(_look(path) for path in self._paths)


def of(settings: Settings) -> CertificateFiles | None:
    """The files that settings name; None for a replica that speaks plain HTTP."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return CertificateFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca)


def usable(paths: tuple[Path, ...]) -> Credentials:
    """What certificate, key and client authorities hold; raises `SettingsError` when TLS cannot use it."""
    found = Credentials(*(_content(path) for path in paths))
    contexts.context(found)
    return found


def _look(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        msg = f"cannot read {path.name!r}: {error.strerror}"
        raise SettingsError(msg, code="no-such-file", hint="check the path and its permissions") from error
    if len(content) > MAX_FILE:
        msg = f"{path.name!r} is longer than {MAX_FILE} bytes"
        raise SettingsError(msg, code="tls-certificate", hint="it should hold certificates or a key")
    return content
