"""The one layer that lets a request in: Host, Origin, key, scope, rate. Deny by default.

Every route states the scope it needs; "" is public. Without keys (loopback only, `checks.check` sees to
that) everyone on this machine may do everything a browser cannot be tricked into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from modelport.core.access import AccessSnapshot, KeyEntry, allows, matches, parse_key
from modelport.core.hosts import LOOPBACK, is_address, name_of
from modelport.errors import BadRequest, Forbidden, Misdirected, RateLimited, Unauthenticated
from modelport.serving.call import BATCH
from modelport.serving.http.exchange import Exchange
from modelport.serving.limits import POLICY_FIELD, STATE_FIELD, Limiter, policy_field, state_field
from modelport.serving.settings import Settings

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_KEY_IN_QUERY = (b"key=", b"api_key=", b"apikey=", b"token=", b"access_token=")
_REMEMBERED_HOSTS = 1024


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller we know."""

    entry: KeyEntry
    place: int | None

    def may(self, scope: str) -> bool:
        """Whether the key's scopes grant `scope`; reading a model goes with the right to ask it."""
        return allows(self.entry.scopes, scope)


class Known(NamedTuple):
    """Who a connection's last request came from, under which snapshot."""

    header: bytes | None
    revision: object
    principal: Principal


class Gate:
    """Decides for one worker. `access` replaces the snapshot as a whole."""

    def __init__(
        self, settings: Settings, limiter: Limiter, wall: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._any_host = "*" in settings.allow_hosts
        self._hosts = LOOPBACK | {host.lower() for host in (*settings.allow_hosts, settings.host)}
        self._known_hosts: set[bytes] = set()
        self._limiter = limiter
        self._wall = wall
        self._clock = clock
        self._secured = settings.guarded
        self._keys: dict[str, KeyEntry] = {}
        self._places: dict[str, int] = {}
        self._revision: object = None

    def access(self, snapshot: AccessSnapshot | None, places: dict[str, int]) -> None:
        """Take a new snapshot; every key is looked at afresh from the next request on."""
        self._secured = self._secured or snapshot is not None
        self._keys = {entry.id: entry for entry in snapshot.keys} if snapshot else {}
        self._places = places
        self._revision = object()

    @property
    def secured(self) -> bool:
        """Whether callers need keys."""
        return self._secured

    def admit(self, exchange: Exchange, scope: str) -> None:
        """Let the request in, or raise `Misdirected`, `Forbidden`, `Unauthenticated`, `RateLimited`."""
        headers = exchange.headers
        host = headers.get(b"host", b"")
        if host not in self._known_hosts:
            self._check_host(host)
        if exchange.method not in _SAFE:
            self._check_origin(headers, host)
        if exchange.query and any(part in exchange.query.lower() for part in _KEY_IN_QUERY):
            msg = "a key does not belong into the query, where logs keep it"
            raise BadRequest(msg, code="key-in-query", hint="send it as Authorization: Bearer <key>")
        if not self._secured or not scope:
            return
        principal = self._principal(exchange)
        exchange.caller = principal.entry.id
        if principal.entry.priority == "batch":
            exchange.priority = BATCH
        if not principal.may(scope):
            msg = f"this key lacks the scope {scope}"
            raise Forbidden(msg, code="missing-scope", hint="ask whoever made the key to add the scope")
        if principal.entry.rate is not None and principal.place is not None:
            self._limit(exchange, principal.entry, principal.place)

    def _principal(self, exchange: Exchange) -> Principal:
        """The caller; remembered per connection, where the same header bytes come with every request."""
        header = exchange.headers.get(b"authorization")
        wire = exchange.wire
        known = wire.principal
        if isinstance(known, Known) and known.header == header and known.revision is self._revision:
            principal = known.principal
        else:
            principal = self._authenticate(header)
            wire.principal = Known(header, self._revision, principal)
        expires = principal.entry.expires
        if expires is not None and self._wall() >= expires:
            raise _unknown()
        return principal

    def _authenticate(self, header: bytes | None) -> Principal:
        if header is None:
            msg = "this server needs an API key"
            raise Unauthenticated(
                msg, hint="send Authorization: Bearer <key>; make one with `modelport keys create`"
            )
        scheme, _, text = header.partition(b" ")
        parsed = parse_key(text.strip().decode("ascii", "replace")) if scheme.lower() == b"bearer" else None
        if parsed is None:
            msg = "the API key is mistyped or cut"
            raise Unauthenticated(
                msg, code="malformed-key", hint="it begins with mp_live_ and has 65 characters"
            )
        entry = self._keys.get(parsed[0])
        # A comparison is made for unknown ids too, so that they take as long as wrong secrets.
        right = matches(entry or _NOBODY, parsed[1])
        if entry is None or not right or entry.revoked:
            raise _unknown()
        return Principal(entry, self._places.get(entry.id))

    def _limit(self, exchange: Exchange, entry: KeyEntry, place: int) -> None:
        assert entry.rate is not None
        admission = self._limiter.admit(place, entry.rate, self._clock())
        fields = (POLICY_FIELD, policy_field(entry.rate)), (STATE_FIELD, state_field(admission))
        exchange.extra += b"".join(f"{name.lower()}: {value}\r\n".encode() for name, value in fields)
        if not admission.ok:
            msg = f"this key may send {entry.rate.quota} requests in {entry.rate.window} s"
            raise RateLimited(msg, retry_after=admission.retry_after, hint="retry after the given time")

    def _check_host(self, host: bytes) -> None:
        name = name_of(host.decode("latin-1"))
        if not (self._any_host or name in self._hosts or is_address(name) or self._matches_suffix(name)):
            msg = "this server does not answer for that Host"
            raise Misdirected(msg, hint="start it with --allow-host NAME for each name callers use")
        if len(self._known_hosts) < _REMEMBERED_HOSTS:
            self._known_hosts.add(host)

    def _matches_suffix(self, name: str) -> bool:
        return any(host.startswith("*.") and name.endswith(host[1:]) for host in self._hosts)

    def _check_origin(self, headers: dict[bytes, bytes], host: bytes) -> None:
        """A browser says where a request comes from; other sites may not act here (OWASP, CSRF)."""
        site = headers.get(b"sec-fetch-site")
        if site is not None and site not in {b"same-origin", b"none"}:
            msg = "requests from other sites are refused"
            raise Forbidden(msg, code="cross-site")
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2] != host:
            msg = "the Origin is not this server"
            raise Forbidden(msg, code="cross-site")


_NOBODY = KeyEntry("", "", "0" * 64, ())


def _unknown() -> Unauthenticated:
    return Unauthenticated("the API key is not known here, has expired or was revoked", code="unknown-key")
