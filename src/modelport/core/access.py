"""API keys: how they look, how they are stored, what they allow.

A key is `mp_live_` + 8 characters of id + 43 of secret + 6 of checksum, all Base62. The prefix lets secret
scanners find it; the checksum (CRC-32 of what stands before it, as GitHub's tokens do) tells a typo from
a wrong key without any look-up. Only the SHA-256 of the secret is stored: 256 random bits need no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from modelport.errors import SettingsError

PREFIX = "mp_live_"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _SECRET, _CRC = 8, 43, 6
LENGTH = len(PREFIX) + _ID + _SECRET + _CRC
_SCOPE = re.compile(
    r"(?:(?:infer|feedback):(?:\*|[A-Za-z0-9][A-Za-z0-9._-]*)|models:read|metrics|replica|admin)"
)
_RATE = re.compile(r"([1-9][0-9]{0,8})/(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


Priority = Literal["interactive", "batch"]


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`quota` requests per `window` seconds, over all workers of a replica.

    At most `quota` in a window that begins at a multiple of its length, so in the long run no more than that;
    in a window that begins anywhere less than twice as many (see `serving.limits`).
    """

    quota: int
    window: int


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key as stored: never the secret itself.

    Attributes:
        id: the eight characters that follow the prefix.
        name: who or what it is for.
        sha256: of the secret part, in hex.
        scopes: `infer:<model>`, `infer:*`, `feedback:<model>`, `feedback:*`, `models:read`, `metrics`,
            `replica` (be a member of a fleet), `admin`.
        rate: the key's own limit.
        created, expires: seconds since the epoch; no `expires` means never.
        revoked: refused from the next snapshot on.
        priority: `batch` for callers who can wait: under load they are refused before the others.
    """

    id: str
    name: str
    sha256: str
    scopes: tuple[str, ...]
    rate: Rate | None = None
    created: float = 0.0
    expires: float | None = None
    revoked: bool = False
    priority: Priority = "interactive"


class AccessSnapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may do what; travels apart from plans, so a revocation waits for no model."""

    revision: int
    keys: tuple[KeyEntry, ...]


def make_key(
    name: str,
    scopes: Iterable[str],
    *,
    random: Callable[[int], int],
    now: float,
    rate: Rate | None = None,
    expires: float | None = None,
    priority: Priority = "interactive",
) -> tuple[str, KeyEntry]:
    """A new key: the text to show once, and the entry to store. `random(n)` draws from 0..n-1, securely."""
    checked = tuple(check_scope(scope) for scope in scopes)
    key_id, secret = (_draw(random, width) for width in (_ID, _SECRET))
    body = PREFIX + key_id + secret
    entry = KeyEntry(key_id, name, _hash(secret), checked, rate, now, expires, priority=priority)
    return body + checksum(body), entry


def parse_key(text: str) -> tuple[str, str] | None:
    """The id and secret of a well-formed key, or None: a typo, or no key of ours."""
    if len(text) != LENGTH or not text.startswith(PREFIX):
        return None
    body, crc = text[:-_CRC], text[-_CRC:]
    if not hmac.compare_digest(checksum(body).encode(), crc.encode("utf-8", "replace")):
        return None
    return body[len(PREFIX) : len(PREFIX) + _ID], body[len(PREFIX) + _ID :]


def matches(entry: KeyEntry, secret: str) -> bool:
    """Whether the secret is the entry's, in constant time."""
    return hmac.compare_digest(entry.sha256, _hash(secret))


def allows(scopes: Iterable[str], needed: str) -> bool:
    """Whether scopes grant `needed`; `admin` grants all, `infer:*` and `feedback:*` every model."""
    owned = frozenset(scopes)
    if "admin" in owned or needed in owned:
        return True
    what, colon, _ = needed.partition(":")
    return bool(colon) and f"{what}:*" in owned


def check_scope(scope: str) -> str:
    """The scope itself when it is one we know; raises `SettingsError`."""
    if _SCOPE.fullmatch(scope):
        return scope
    msg = f"{scope!r} is not a scope"
    raise SettingsError(
        msg,
        hint="infer:<model>, infer:*, feedback:<model>, feedback:*, models:read, metrics, replica or admin",
    )


def parse_rate(text: str) -> Rate:
    """Read `100/s`, `6000/m` or `10000/h`; raises `SettingsError`."""
    found = _RATE.fullmatch(text)
    if not found:
        msg = f"{text!r} is not a rate"
        raise SettingsError(msg, hint="write 100/s, 6000/m or 10000/h")
    return Rate(int(found[1]), _SECONDS[found[2]])


def checksum(body: str) -> str:
    """Six Base62 characters of the CRC-32 of `body`."""
    crc = zlib.crc32(body.encode("utf-8", "replace"))
    return "".join(_BASE62[crc // 62**place % 62] for place in reversed(range(_CRC)))


def _draw(random: Callable[[int], int], width: int) -> str:
    return "".join(_BASE62[random(62)] for _ in range(width))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
