"""The one layer that lets a call in; it denies by default.

Everything is decided from the operation that the path matches, never from the URL as the caller spelled its
host: a Host header cannot change what is asked of whom. In order: Host, Origin, a key in the query, the key,
the role or scope, the key's rate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from modelport.api.operation import SAFE, Operation
from modelport.api.ports import Platform
from modelport.api.settings import Settings
from modelport.api.threads import Threads
from modelport.api.throttle import WRONG, Throttle
from modelport.core.access import KeyEntry, Rate, allows, matches, parse_key
from modelport.core.hosts import LOOPBACK, answers_for, name_of
from modelport.core.roles import StoredKey, reaches
from modelport.errors import BadRequest, Forbidden, Misdirected, ModelportError, RateLimited, Unauthenticated

_KEY_NAMES = frozenset({"key", "api_key", "apikey", "token", "access_token", "authorization"})
_NOBODY = StoredKey(KeyEntry("", "", "0" * 64, ()))
_ONCE = Rate(1, 60)
"""Marks a key as right for this minute."""


@dataclass(frozen=True, slots=True)
class Knock:
    """What of a request decides whether it comes in; names of `headers` are in lower case."""

    method: str
    query: str
    headers: Mapping[str, str]
    address: str


class Door:
    """Lets calls in, or raises why not."""

    def __init__(self, platform: Platform, settings: Settings, throttle: Throttle, threads: Threads) -> None:
        self._platform = platform
        self._threads = threads
        self._hosts = LOOPBACK | {host.lower() for host in settings.hosts}
        self._throttle = throttle
        self._notes: set[asyncio.Task[None]] = set()

    def check_surroundings(self, knock: Knock) -> None:
        """Raises `Misdirected`, `Forbidden` (`cross-site`), `BadRequest` (`key-in-query`)."""
        host = knock.headers.get("host", "")
        if not answers_for(name_of(host), self._hosts):
            msg = "this server does not answer for that Host"
            raise Misdirected(msg, hint="start it with --allow-host NAME for each name callers use")
        if knock.method not in SAFE:
            _check_origin(knock.headers, host)
        if any(name.lower() in _KEY_NAMES for name, _ in parse_qsl(knock.query, keep_blank_values=True)):
            msg = "a key does not belong into the query, where logs keep it"
            raise BadRequest(msg, code="key-in-query", hint="send it as Authorization: Bearer <key>")

    async def key(self, knock: Knock) -> StoredKey:
        """The caller's key. Raises `Unauthenticated`; a mistyped key costs no look into the database."""
        parsed = _parsed(knock.headers.get("authorization"))
        now = self._platform.clock.monotonic()
        # Keys that were right a moment ago are looked at all the same: one guesser behind a shared address
        # must not lock out the others.
        known = self._throttle.full("right", parsed[0], _ONCE, now)
        if not known and self._throttle.full("wrong", knock.address, WRONG, now):
            raise _too_many()
        stored = await self._threads.read(partial(self._platform.keys.find, parsed[0]))
        # A comparison is made for unknown ids too, so that they take as long as wrong secrets.
        right = matches((stored or _NOBODY).entry, parsed[1])
        if stored is None or not right or self._is_over(stored.entry):
            self._throttle.admit("wrong", knock.address, WRONG, now)
            msg = "the API key is not known here, has expired or was revoked"
            raise Unauthenticated(msg, code="unknown-key")
        if not known:
            self._throttle.admit("right", stored.entry.id, _ONCE, now)
            self._note(stored.entry.id)
        return stored

    def _note(self, id: str) -> None:  # noqa: A002 - the word of the contract
        """That it was used, in this minute. Nobody waits for that, as a database that is busy would."""
        note = asyncio.create_task(self._threads.note(partial(self._used, id)))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    def _used(self, id: str) -> None:  # noqa: A002
        with suppress(ModelportError):
            self._platform.keys.used(id, self._platform.clock.now())

    def check_needs(self, key: StoredKey, operation: Operation, parts: Mapping[str, str]) -> None:
        """Raises `Forbidden` unless the key may do it."""
        needs = operation.needs
        if needs.role is None:
            return
        if needs.whole and key.project != "default":
            msg = "this is of the whole control plane, and the key is of one project"
            raise Forbidden(msg, code="missing-role", hint="ask an admin of the project `default`")
        scope = needs.scope.format_map(parts) if needs.scope else ""
        if key.role != "service":
            if reaches(key.role, needs.role):
                return
            msg = f"this needs the role {needs.role}, and the key has the role {key.role}"
            raise Forbidden(msg, code="missing-role", hint="ask an admin of the project")
        if not scope or not allows(key.entry.scopes, scope):
            msg = f"this key lacks the scope {scope}" if scope else f"this needs the role {needs.role}"
            raise Forbidden(msg, code="missing-scope", hint="ask whoever made the key")

    def _is_over(self, entry: KeyEntry) -> bool:
        return entry.revoked or (entry.expires is not None and self._platform.clock.now() >= entry.expires)


def _parsed(header: str | None) -> tuple[str, str]:
    if header is None:
        msg = "this needs an API key"
        raise Unauthenticated(msg, hint="send Authorization: Bearer <key>; `modelport up` prints the first")
    scheme, _, text = header.partition(" ")
    parsed = parse_key(text.strip()) if scheme.lower() == "bearer" else None
    if parsed is None:
        msg = "the API key is mistyped or cut"
        raise Unauthenticated(msg, code="malformed-key", hint="it begins with mp_live_ and has 65 characters")
    return parsed


def _check_origin(headers: Mapping[str, str], host: str) -> None:
    """A browser says where a request comes from; other sites may not act here (OWASP, CSRF)."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        msg = "requests from other sites are refused"
        raise Forbidden(msg, code="cross-site")
    if origin is not None and origin.partition("://")[2] != host:
        msg = "the Origin is not this server"
        raise Forbidden(msg, code="cross-site")


def _too_many() -> RateLimited:
    msg = "too many wrong keys came from this address"
    return RateLimited(msg, retry_after=WRONG.window, code="too-many-wrong-keys", hint="wait a moment")
