"""What a key of the control plane may do: a role for people, scopes for services."""

from __future__ import annotations

from typing import Literal

import msgspec

from modelport.core.access import KeyEntry, Rate

Role = Literal["viewer", "operator", "admin", "service"]
"""`viewer` reads; `operator` also deploys, moves aliases and gives feedback; `admin` may do everything in its
project; `service` only what its scopes say."""

_IMPLIED: dict[Role, tuple[str, ...]] = {
    "service": (),
    "viewer": ("models:read", "metrics"),
    "operator": ("models:read", "metrics", "feedback:*"),
    "admin": ("admin",),
}
"""Scopes that a role brings along, for whoever knows scopes alone: the data plane."""

_RANK: dict[Role, int] = {"service": 0, "viewer": 1, "operator": 2, "admin": 3}


def reaches(role: Role, needed: Role) -> bool:
    """Whether a person's role includes another."""
    return _RANK[role] >= _RANK[needed]


class StoredKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key as the control plane keeps it.

    Attributes:
        entry: what the data plane needs of it.
        role, project: what it may do, and where.
        last_used: seconds since the epoch, to the minute; None when it never was.
    """

    entry: KeyEntry
    role: Role = "service"
    project: str = "default"
    last_used: float | None = None


def granted(stored: StoredKey) -> KeyEntry:
    """The key as replicas know it: with the scopes that its role brings."""
    scopes = dict.fromkeys((*_IMPLIED[stored.role], *stored.entry.scopes))
    return msgspec.structs.replace(stored.entry, scopes=tuple(scopes))


class KeySeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key as it is shown: nothing of its secret."""

    id: str
    name: str
    role: Role
    project: str
    scopes: tuple[str, ...] = ()
    rate: Rate | None = None
    created: float = 0.0
    expires: float | None = None
    revoked: bool = False
    last_used: float | None = None


class MadeKey(msgspec.Struct, frozen=True):
    """A new key. `key` is its text: shown this once and kept nowhere."""

    key: str
    seen: KeySeen


def seen(stored: StoredKey) -> KeySeen:
    """A key as it may be shown."""
    entry = stored.entry
    return KeySeen(
        entry.id,
        entry.name,
        stored.role,
        stored.project,
        entry.scopes,
        entry.rate,
        entry.created,
        entry.expires,
        entry.revoked,
        stored.last_used,
    )
