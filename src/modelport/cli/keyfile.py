"""The keys in a file, with the same methods as those of a control plane (`client.Control.keys`)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from modelport.core.access import Priority, make_key, parse_rate
from modelport.core.roles import KeySeen, MadeKey, Role, StoredKey, seen
from modelport.errors import NotFound, SettingsError
from modelport.serving.replica import access_file


class FileKeys:
    """Keys that `modelport serve --keys FILE` goes by; every change replaces the file as a whole."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def create(
        self,
        name: str,
        *,
        role: Role = "service",
        scopes: Iterable[str] = (),
        rate: str | None = None,
        expires: float | None = None,
        priority: Priority = "interactive",
    ) -> MadeKey:
        """A new key; its text is shown this once. Raises `SettingsError` for roles of people (`bad-role`)."""
        if role != "service":
            msg = f"a key file has no keys of the role {role}"
            raise SettingsError(msg, code="bad-role", hint="leave --file out: people use the control plane")
        text, entry = make_key(
            name,
            scopes,
            random=secrets.randbelow,
            now=time.time(),
            rate=parse_rate(rate) if rate else None,
            expires=expires,
            priority=priority,
        )
        access_file.update(self._file, lambda keys: (*keys, entry))
        return MadeKey(text, seen(StoredKey(entry)))

    def list(self) -> Iterator[KeySeen]:
        """Every key, without its secret."""
        return (seen(StoredKey(entry)) for entry in access_file.read(self._file).keys)

    def revoke(self, id: str) -> None:  # noqa: A002 - the word of the contract
        """Refuse it from the next look at the file on. Raises `NotFound`."""
        if id not in {entry.id for entry in access_file.read(self._file).keys}:
            msg = f"there is no key {id!r} in {self._file.name}"
            raise NotFound(msg, hint="`modelport keys list` shows the ids")
        access_file.update(
            self._file,
            lambda keys: tuple(
                msgspec.structs.replace(entry, revoked=True) if entry.id == id else entry for entry in keys
            ),
        )
