"""API keys as the control plane keeps them, and what replicas are told of them."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.access import AccessSnapshot, KeyEntry, check_scope, make_key, parse_rate
from modelport.core.clock import Clock
from modelport.core.names import check_name
from modelport.core.pages import Page, cursor, place
from modelport.core.ready import ready
from modelport.core.roles import KeySeen, MadeKey, StoredKey, granted, seen
from modelport.core.wishes import NewKey
from modelport.db import about, journal
from modelport.db.connect import Database
from modelport.db.dialect import insert
from modelport.db.journal import Author
from modelport.db.rows import text
from modelport.db.tables.keys import access, keys
from modelport.errors import Conflict, InvalidInput, NotFound, Unauthenticated

RESERVED = frozenset({"control"})
"""Names that the journal uses for the control plane itself."""


class Keys:
    """Makes, shows and revokes keys. Thread-safe.

    Args:
        changed: called with the project after its keys have changed, so that replicas hear of it at once.
        token: who shows it may make the first key (`bootstrap`); empty when nobody may.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        changed: Callable[[str], None] = lambda _: None,
        token: str = "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._changed = changed
        self._token = token
        self._noted: dict[str, float] = {}

    def find(self, id: str) -> StoredKey | None:  # noqa: A002 - the word of the contract
        """As it is now: a revoked key is refused from the next request on."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(keys).where(keys.c.id == id)).first()
        return None if row is None else _read(row)

    def used(self, id: str, now: float) -> None:  # noqa: A002
        """Note that it was used: at most once a minute, however often it is."""
        minute = now // 60 * 60
        if self._noted.get(id, 0.0) >= minute:
            return
        older = sa.or_(keys.c.last_used.is_(None), keys.c.last_used < minute)
        note = sa.update(keys).where(keys.c.id == id, older).values(last_used=minute)
        self._database.write(lambda connection: connection.execute(note))
        self._noted[id] = minute

    def create(self, author: Author, wish: NewKey) -> MadeKey:
        """A new key of the author's project; its text is shown this once.

        Raises `Conflict` (`key-exists`) when a live key has that name, and `InvalidInput` (`key-invalid`).
        """
        made = self._database.write(lambda connection: self._create(connection, author, wish))
        self._changed(author.project)
        return made

    def list(self, project: str, *, limit: int, cursor: str | None = None) -> Page[KeySeen]:
        """The project's keys by name, the revoked ones too."""
        with self._database.reading() as connection:
            rows = connection.execute(_listed(project, limit, cursor)).all()
        shown = [seen(_read(row)) for row in rows[:limit]]
        return Page(tuple(shown), _next(shown) if len(rows) > limit else None)

    def revoke(self, author: Author, id: str) -> None:  # noqa: A002
        """Refuse it from now on; a key that is revoked already stays so.

        Raises `NotFound` (`key-not-found`), and `Conflict` (`last-admin-key`): nobody could make another.
        """
        self._database.write(lambda connection: self._revoke(connection, author, id))
        self._changed(author.project)

    def bootstrap(self, token: str) -> MadeKey:
        """The first admin key for whoever holds the token that was printed at the first start.

        Raises `Unauthenticated` (`bad-token`) for another token, `Conflict` (`bootstrapped`) where a key is.
        """
        if not self._token or not hmac.compare_digest(token.encode(), self._token.encode()):
            msg = "this is not the token of the first start"
            raise Unauthenticated(msg, code="bad-token", hint="it was printed when the control plane began")
        made = self.first()
        if made is None:
            msg = "there is a key already"
            raise Conflict(msg, code="bootstrapped", hint="have its holder make you one")
        return made

    def first(self) -> MadeKey | None:
        """The first admin key of all; None when there is a key already."""
        made = self._database.write(self._first)
        if made is not None:
            self._changed(made.seen.project)
        return made

    def snapshot(self, project: str) -> AccessSnapshot:
        """What replicas of the project's fleets need to know of its live keys."""
        with self._database.reading() as connection:
            live = sa.select(keys).where(keys.c.project == project, keys.c.revoked.is_(sa.false()))
            rows = connection.execute(live.order_by(keys.c.id))
            entries = tuple(granted(_read(row)) for row in rows)
            return AccessSnapshot(revision(connection, project), entries)

    def _first(self, connection: Connection) -> MadeKey | None:
        author = Author("control")
        _changes(connection, author.project)  # one at a time: of two first starts one makes the key
        if connection.execute(sa.select(keys.c.id).limit(1)).first() is not None:
            return None
        return self._create(connection, author, NewKey("admin", "admin"))

    def _create(self, connection: Connection, author: Author, wish: NewKey) -> MadeKey:
        now = self._clock.now()
        _check(wish, now)
        _changes(connection, author.project)
        _check_free(connection, author.project, wish.name)
        shown, entry = _make(wish, now)
        stored = StoredKey(entry, wish.role, author.project)
        connection.execute(sa.insert(keys).values(**_row(stored)))
        detail = {"id": entry.id, "role": wish.role, "scopes": entry.scopes}
        journal.append(connection, author, "key.create", wish.name, at=now, detail=detail)
        return MadeKey(shown, seen(stored))

    def _revoke(self, connection: Connection, author: Author, id: str) -> None:  # noqa: A002
        _changes(connection, author.project)
        mine = sa.select(keys).where(keys.c.id == id, keys.c.project == author.project)
        row = connection.execute(mine).first()
        if row is None:
            msg = f"there is no key {id[:40]!r}"
            raise NotFound(msg, code="key-not-found", hint="modelport keys list shows those there are")
        stored = _read(row)
        if stored.entry.revoked:
            return
        _check_not_last(connection, stored, self._clock.now())
        entry = msgspec.structs.replace(stored.entry, revoked=True)
        change = sa.update(keys).where(keys.c.id == id).values(revoked=True, entry=text(entry))
        connection.execute(change)
        journal.append(
            connection, author, "key.revoke", entry.name, at=self._clock.now(), detail={"id": entry.id}
        )


def revision(connection: Connection, project: str) -> int:
    """How often the project's keys have changed; above all numbers of former epochs."""
    found = connection.execute(sa.select(access.c.revision).where(access.c.project == project)).scalar()
    return about.first_revision(about.epoch(connection)) if found is None else int(found)


def _changes(connection: Connection, project: str) -> None:
    """Count a change; whoever else changes keys of the project waits until this transaction ends."""
    first = about.first_revision(about.epoch(connection)) + 1
    counted = insert(connection, access).values(project=project, revision=first)
    more = {"revision": access.c.revision + 1}
    connection.execute(counted.on_conflict_do_update(index_elements=["project"], set_=more))


def _check(wish: NewKey, now: float) -> None:
    check_name(wish.name, "key")
    for wrong, message, hint in (
        (wish.name in RESERVED, f"{wish.name!r} is the control plane itself", "choose another name"),
        (wish.scopes and wish.role != "service", "scopes are for keys of services", "give a role or scopes"),
        (wish.role == "service" and not wish.scopes, "the key could do nothing", "give a role or scopes"),
        (wish.expires is not None and wish.expires <= now, "it would have expired", "`expires` lies ahead"),
    ):
        if wrong:
            raise InvalidInput(message, code="key-invalid", hint=hint)


def _check_free(connection: Connection, project: str, name: str) -> None:
    live = sa.select(keys.c.id).where(
        keys.c.project == project, keys.c.name == name, keys.c.revoked.is_(sa.false())
    )
    if connection.execute(live).first() is not None:
        msg = f"there is a key {name!r} already"
        raise Conflict(msg, code="key-exists", hint="revoke it, or choose another name")


def _check_not_last(connection: Connection, stored: StoredKey, now: float) -> None:
    others = sa.select(keys).where(
        keys.c.project == stored.project,
        keys.c.role == "admin",
        keys.c.revoked.is_(sa.false()),
        keys.c.id != stored.entry.id,
    )
    entries = [_read(row).entry for row in connection.execute(others)]
    if stored.role == "admin" and not any(one.expires is None or one.expires > now for one in entries):
        msg = "this is the project's only key for administrators"
        raise Conflict(msg, code="last-admin-key", hint="make another one first")


def _make(wish: NewKey, now: float) -> tuple[str, KeyEntry]:
    return make_key(
        wish.name,
        [check_scope(scope) for scope in wish.scopes],
        random=secrets.randbelow,
        now=now,
        rate=None if wish.rate is None else parse_rate(wish.rate),
        expires=wish.expires,
        priority=wish.priority,
    )


def _listed(project: str, limit: int, after: str | None) -> sa.Select[Any]:
    mine = sa.select(keys).where(keys.c.project == project)
    if after is not None:
        mine = mine.where(sa.tuple_(keys.c.name, keys.c.id) > sa.tuple_(*place(after, str, str)))
    return mine.order_by(keys.c.name, keys.c.id).limit(limit + 1)


def _next(shown: list[KeySeen]) -> str:
    return cursor(shown[-1].name, shown[-1].id)


def _row(stored: StoredKey) -> dict[str, Any]:
    entry = stored.entry
    return {
        "id": entry.id,
        "project": stored.project,
        "name": entry.name,
        "role": stored.role,
        "entry": text(entry),
        "revoked": entry.revoked,
        "last_used": stored.last_used,
    }


def _read(row: Any) -> StoredKey:
    entry = msgspec.json.decode(row.entry, type=ready(KeyEntry))
    return StoredKey(entry, row.role, row.project, row.last_used)
