"""Keys: shown once, one live key of a name, revoked at once, and replicas hear of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from tests.db.clock import Still

from modelport.core.access import matches, parse_key
from modelport.core.wishes import NewKey
from modelport.db import about, audit
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.keys import Keys
from modelport.db.tables import keys as table
from modelport.errors import BadRequest, Conflict, InvalidInput, ModelportError, NotFound, Unauthenticated

ANNA = Author("anna")
BORIS = Author("boris", project="other")
SHOP = NewKey("shop", scopes=("infer:churn",), rate="100/s")


@pytest.fixture
def changes() -> list[str]:
    return []


@pytest.fixture
def keys(database: Database, changes: list[str]) -> Keys:
    return Keys(database, Still(1000.0), changed=changes.append, token="t0ken")


def test_a_new_key_is_found_by_its_id_and_its_secret_is_kept_nowhere(keys: Keys, database: Database) -> None:
    made = keys.create(ANNA, SHOP)
    parsed = parse_key(made.key)
    assert parsed is not None
    found = keys.find(parsed[0])
    assert found is not None
    assert matches(found.entry, parsed[1])
    with database.reading() as connection:
        assert parsed[1] not in str(connection.execute(sa.select(table)).all())
        assert parsed[1] not in str(list(audit.chain(connection)))


def test_a_key_that_was_never_made_is_not_found(keys: Keys) -> None:
    assert keys.find("abcdefgh") is None


@pytest.mark.parametrize(
    "wish",
    [
        NewKey("shop"),
        NewKey("shop", "admin", ("infer:*",)),
        NewKey("control", "admin"),
        NewKey("shop", scopes=("infer:",)),
        NewKey("shop", scopes=("metrics",), rate="fast"),
        NewKey("shop", "viewer", expires=999.0),
        NewKey("../shop", "viewer"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_and_leaves_nothing(keys: Keys, wish: NewKey) -> None:
    with pytest.raises(ModelportError) as caught:
        keys.create(ANNA, wish)
    assert caught.value.status in {400, 422}
    assert keys.list("default", limit=10).items == ()
    assert keys.snapshot("default").revision == about.first_revision(1)


def test_a_name_is_taken_until_its_key_is_revoked(keys: Keys) -> None:
    made = keys.create(ANNA, SHOP)
    with pytest.raises(Conflict) as caught:
        keys.create(ANNA, SHOP)
    assert caught.value.code == "key-exists"
    keys.create(BORIS, SHOP)  # another project has names of its own
    keys.revoke(ANNA, made.seen.id)
    assert keys.create(ANNA, SHOP).seen.id != made.seen.id


def test_of_two_keys_of_a_name_made_at_once_one_is_made(keys: Keys) -> None:
    def make(_: int) -> bool:
        try:
            keys.create(ANNA, SHOP)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(make, range(8))) == 1


def test_a_revoked_key_is_seen_to_be_and_replicas_no_longer_know_it(keys: Keys) -> None:
    made = keys.create(ANNA, SHOP)
    before = keys.snapshot("default")
    keys.revoke(ANNA, made.seen.id)
    found = keys.find(made.seen.id)
    assert found is not None
    assert found.entry.revoked
    after = keys.snapshot("default")
    assert [entry.id for entry in before.keys] == [made.seen.id]
    assert after.keys == ()
    assert after.revision == before.revision + 1


def test_replicas_hear_of_every_change_of_their_project(keys: Keys, changes: list[str]) -> None:
    keys.create(BORIS, SHOP)
    made = keys.create(ANNA, SHOP)
    keys.revoke(ANNA, made.seen.id)
    assert changes == ["other", "default", "default"]
    assert [entry.name for entry in keys.snapshot("other").keys] == ["shop"]


def test_replicas_get_the_scopes_that_a_role_brings(keys: Keys) -> None:
    for role in ("viewer", "operator", "admin"):
        keys.create(ANNA, NewKey(role, role))
    scopes = {entry.name: entry.scopes for entry in keys.snapshot("default").keys}
    assert scopes == {
        "viewer": ("models:read", "metrics"),
        "operator": ("models:read", "metrics", "feedback:*"),
        "admin": ("admin",),
    }


def test_the_keys_of_another_project_are_not_there(keys: Keys) -> None:
    made = keys.create(BORIS, SHOP)
    with pytest.raises(NotFound) as caught:
        keys.revoke(ANNA, made.seen.id)
    assert caught.value.code == "key-not-found"
    assert keys.list("default", limit=10).items == ()


def test_the_last_key_for_administrators_stays(keys: Keys) -> None:
    first = keys.create(ANNA, NewKey("a", "admin"))
    keys.create(ANNA, NewKey("short", "admin", expires=1001.0))
    keys.revoke(ANNA, first.seen.id)  # the other is still good
    (short,) = [one for one in keys.list("default", limit=10).items if not one.revoked]
    with pytest.raises(Conflict) as caught:
        keys.revoke(ANNA, short.id)
    assert caught.value.code == "last-admin-key"


def test_use_is_noted_to_the_minute(keys: Keys) -> None:
    made = keys.create(ANNA, SHOP)
    for now in (1000.0, 1010.0, 1081.0, 1001.0):
        keys.used(made.seen.id, now)
    found = keys.find(made.seen.id)
    assert found is not None
    assert found.last_used == 1080.0


def test_keys_are_listed_by_name_a_page_at_a_time(keys: Keys) -> None:
    for name in ("c", "a", "b"):
        keys.create(ANNA, NewKey(name, "viewer"))
    first = keys.list("default", limit=2)
    second = keys.list("default", limit=2, cursor=first.next)
    assert [one.name for one in first.items + second.items] == ["a", "b", "c"]
    assert second.next is None


def test_a_cursor_of_another_list_is_refused(keys: Keys) -> None:
    with pytest.raises(BadRequest) as caught:
        keys.list("default", limit=2, cursor="WzFd")
    assert caught.value.code == "bad-cursor"


def test_the_first_key_is_for_whoever_holds_the_token_and_is_made_once(keys: Keys) -> None:
    with pytest.raises(Unauthenticated):
        keys.bootstrap("guess")
    assert keys.bootstrap("t0ken").seen.role == "admin"
    with pytest.raises(Conflict) as caught:
        keys.bootstrap("t0ken")
    assert caught.value.code == "bootstrapped"


def test_without_a_token_nobody_makes_the_first_key(database: Database) -> None:
    with pytest.raises(Unauthenticated):
        Keys(database, Still()).bootstrap("")


def test_of_two_first_starts_at_once_one_makes_the_key(keys: Keys) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = [one for one in pool.map(lambda _: keys.first(), range(4)) if one]
    assert len(made) == 1


def test_every_change_is_in_the_journal(keys: Keys, database: Database) -> None:
    made = keys.create(ANNA, SHOP)
    keys.revoke(ANNA, made.seen.id)
    keys.revoke(ANNA, made.seen.id)  # nothing new
    with database.reading() as connection:
        told = [(entry.actor, entry.action, entry.resource) for entry in audit.chain(connection)]
    assert told == [("anna", "key.create", "shop"), ("anna", "key.revoke", "shop")]


def test_scopes_that_no_one_knows_are_refused(keys: Keys) -> None:
    with pytest.raises(ModelportError, match="not a scope"):
        keys.create(ANNA, NewKey("shop", scopes=("everything",)))
    with pytest.raises(InvalidInput):
        keys.create(ANNA, NewKey("shop", scopes=()))
