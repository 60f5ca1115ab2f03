"""The first member of a backup: what else is in it."""

from __future__ import annotations

import msgspec

from modelport.core.ready import ready
from modelport.errors import SettingsError

FORMAT = 1
NAME = "manifest.json"
LONGEST = 64 * 2**20
"""Bytes of a manifest at most: some hundred thousand artifacts."""
LEFT_OUT = frozenset({"alembic_version", "idempotency", "lease"})
"""Tables of the moment: a restored control plane begins without them."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table's file or an artifact: its name or digest, bytes, and SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds.

    Attributes:
        format: of the archive.
        made: seconds since the epoch.
        schema: the last step that the database had taken.
        epoch: of the control plane that made it.
        artifacts, tables: in the order of the archive.
        missing: artifacts that versions name and the store could not give, whole, when it was made.
    """

    format: int
    made: float
    schema: str
    epoch: int
    artifacts: tuple[Part, ...]
    tables: tuple[Part, ...]
    missing: tuple[str, ...] = ()


def artifact(digest: str) -> str:
    """The name of an artifact in the archive."""
    return f"artifacts/sha256/{digest}"


def table(name: str) -> str:
    """The name of a table in the archive."""
    return f"tables/{name}.jsonl"


def read(raw: bytes) -> Manifest:
    """Raises `SettingsError` (`backup-malformed`, `backup-too-new`)."""
    try:
        found = msgspec.json.decode(raw, type=ready(_Format)).format
        if found > FORMAT:
            raise _too_new(found)
        return msgspec.json.decode(raw, type=ready(Manifest))
    except msgspec.DecodeError as error:
        raise malformed() from error


def malformed() -> SettingsError:
    """What is said of a file that is no backup."""
    msg = "that is no backup of a control plane"
    return SettingsError(msg, code="backup-malformed", hint="give a file that `modelport backup` has written")


class _Format(msgspec.Struct, frozen=True):
    format: int


def _too_new(found: int) -> SettingsError:
    msg = f"the backup has format {found}, and this version of Modelport reads formats up to {FORMAT}"
    return SettingsError(msg, code="backup-too-new", hint="restore it with the newer Modelport that made it")
