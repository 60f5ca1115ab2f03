"""Secrets: sealed where they are kept, opened for their use, and told to nobody."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from tests.db.clock import Still

from modelport.db import audit, sealing
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.sealing import Sealer
from modelport.db.secrets import LONGEST, Secrets
from modelport.db.tables import secrets as table
from modelport.errors import InvalidInput, NameInvalid, NotFound, SettingsError, StorageDamaged

ANNA = Author("anna")
VALUE = "correct horse battery staple"
KEY = bytes(range(32))


@pytest.fixture
def secrets(database: Database) -> Secrets:
    return Secrets(database, Still(1000.0), Sealer(KEY))


def test_a_secret_is_opened_by_its_name_and_project(secrets: Secrets) -> None:
    secrets.put(ANNA, "token", VALUE)
    secrets.put(ANNA, "token", VALUE + "!")
    assert secrets.open("default", "token") == VALUE + "!"
    assert secrets.names("default") == ("token",)
    with pytest.raises(NotFound) as caught:
        secrets.open("other", "token")
    assert caught.value.code == "secret-not-found"


def test_neither_the_table_nor_the_journal_holds_its_value(secrets: Secrets, database: Database) -> None:
    secrets.put(ANNA, "token", VALUE)
    with database.reading() as connection:
        assert VALUE.encode() not in connection.execute(sa.select(table.c.sealed)).scalar_one()
        assert VALUE not in str(connection.execute(sa.select(table)).all())
        told = [(entry.action, entry.resource, entry.detail) for entry in audit.chain(connection)]
    assert told == [("secret.put", "token", {})]


def test_a_deleted_secret_is_gone(secrets: Secrets) -> None:
    secrets.put(ANNA, "token", VALUE)
    secrets.delete(ANNA, "token")
    assert secrets.names("default") == ()
    with pytest.raises(NotFound):
        secrets.delete(ANNA, "token")


def test_a_row_moved_to_another_name_does_not_open(secrets: Secrets, database: Database) -> None:
    secrets.put(ANNA, "token", VALUE)
    database.write(lambda to: to.execute(sa.update(table).values(name="other")))
    with pytest.raises(StorageDamaged) as caught:
        secrets.open("default", "other")
    assert caught.value.code == "secret-damaged"


def test_another_key_is_told_from_damage(secrets: Secrets, database: Database) -> None:
    secrets.put(ANNA, "token", VALUE)
    with pytest.raises(SettingsError) as caught:
        Secrets(database, Still(), Sealer(bytes(32))).open("default", "token")
    assert caught.value.code == "secret-key-wrong"


@pytest.mark.parametrize("value", ["", "x" * (LONGEST + 1)])
def test_values_of_no_sense_are_refused(secrets: Secrets, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        secrets.put(ANNA, "token", value)
    assert caught.value.code == "secret-invalid"


def test_names_are_names(secrets: Secrets) -> None:
    with pytest.raises(NameInvalid):
        secrets.put(ANNA, "../token", VALUE)


@given(value=st.text(), place=st.text(), flipped=st.integers(min_value=5))
def test_what_is_sealed_opens_at_its_place_and_no_flipped_byte_is_missed(
    value: str, place: str, flipped: int
) -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(sealer.seal(value, place))
    assert sealer.open(bytes(sealed), place) == value
    sealed[5 + flipped % (len(sealed) - 5)] ^= 1
    with pytest.raises(StorageDamaged):
        sealer.open(bytes(sealed), place)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret-key"
    with ThreadPoolExecutor(4) as pool:
        sealers = list(pool.map(lambda _: sealing.load({}, file), range(4)))
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["secret-key"]  # noqa: PTH208
    assert {sealers[0].open(one.seal(VALUE, "a"), "a") for one in sealers} == {VALUE}


def test_the_key_of_the_environment_comes_first(tmp_path: Path) -> None:
    text = base64.urlsafe_b64encode(KEY).decode()
    sealer = sealing.load({"MODELPORT_SECRET_KEY": text}, tmp_path / "secret-key")
    assert sealer.open(Sealer(KEY).seal(VALUE, "a"), "a") == VALUE
    assert not (tmp_path / "secret-key").exists()


@pytest.mark.parametrize("text", ["short", "!" * 44, base64.b64encode(bytes(33)).decode()])
def test_a_malformed_key_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sealing.load({"MODELPORT_SECRET_KEY": text}, tmp_path / "secret-key")
    assert caught.value.code == "secret-key-malformed"
    assert text not in str(caught.value)
