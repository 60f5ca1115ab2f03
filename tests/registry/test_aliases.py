"""Aliases: moved by comparison, held by gates, heard of; and what people mean by a version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.registry import bundles
from tests.registry.conftest import Deployed

from modelport.core.records import Gate, Version
from modelport.core.wishes import ModelChange, Registration, VersionChange
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import journal as entries
from modelport.errors import Conflict, NameInvalid, NotFound, PreconditionFailed
from modelport.registry.gates import refusals
from modelport.registry.registry import Registry

ANNA = Author("anna")


@pytest.fixture
def churn(registry: Registry, tmp_path: Path) -> Registry:
    """The registry with churn:1 (1.0.0), churn:2 (2.0.0) and churn:3."""
    for factor, label in ((1, "1.0.0"), (2, "2.0.0"), (3, None)):
        registry.register(ANNA, "churn", bundles.made(tmp_path / "new", factor), Registration(label=label))
    return registry


def test_people_write_a_version_in_many_ways(churn: Registry) -> None:
    second = churn.version("default", "churn", "2")
    churn.set_alias(ANNA, "churn", "champion", "v2")
    spellings = [
        "v2", "churn:2", "churn_v2", "model_v2", "2.0.0", "champion", "@champion", "churn@champion",
        second.identity, f"sha256:{second.identity}", f"sha256:{second.artifact}",
        f"@sha256:{second.identity}",
    ]  # fmt: skip
    for ref in spellings:
        assert churn.version("default", "churn", ref) == second, ref
    assert churn.version("default", "churn", "latest").number == 3
    for ref in ("4", "v0", "0", "-1", "1e0", "other_v2", "fraud:2", "3.0.0", "CHAMPION", "0" * 64):
        with pytest.raises(NotFound) as caught:
            churn.version("default", "churn", ref)
        assert caught.value.code == "version-not-found"
        assert "churn:3" in caught.value.hint


def test_an_alias_moves_when_it_is_what_the_caller_saw(churn: Registry, deployed: Deployed) -> None:
    first = churn.set_alias(ANNA, "churn", "champion", "1", expected=0)
    second = churn.set_alias(ANNA, "churn", "champion", "2", expected=first.revision)
    assert second.revision > first.revision
    for stale in (0, first.revision, second.revision + 1):
        with pytest.raises(PreconditionFailed) as caught:
            churn.set_alias(ANNA, "churn", "champion", "3", expected=stale)
        assert caught.value.code == "alias-moved"
        assert "churn:2" in caught.value.message
    assert churn.aliases("default", "churn") == (second,)
    assert deployed.moves == [first, second]


def test_a_revision_never_comes_back(churn: Registry) -> None:
    first = churn.set_alias(ANNA, "churn", "champion", "1")
    churn.delete_alias(ANNA, "churn", "champion", expected=first.revision)
    again = churn.set_alias(ANNA, "churn", "champion", "1", expected=0)
    assert again.revision > first.revision
    with pytest.raises(PreconditionFailed):
        churn.delete_alias(ANNA, "churn", "champion", expected=first.revision)


def test_of_many_moves_at_once_one_wins_each_time(churn: Registry, database: Database) -> None:
    """Every mover compares with what it saw; the journal then tells one line of moves, none lost."""
    churn.set_alias(ANNA, "churn", "champion", "1")

    def move(number: int) -> bool:
        (seen,) = churn.aliases("default", "churn")
        try:
            churn.set_alias(
                Author(f"mover-{number}"), "churn", "champion", str(number % 3 + 1), expected=seen.revision
            )
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = sum(threads.map(move, range(24)))
    with database.reading() as connection:
        moves = [
            journal.read(row).detail
            for row in connection.execute(sa.select(entries).order_by(entries.c.number))
            if row.action == "alias.set"
        ]
    assert len(moves) == won + 1
    assert [move["from"] for move in moves] == [None, *(move["to"] for move in moves[:-1])]


def test_an_alias_needs_a_version_and_a_name_of_its_own(churn: Registry) -> None:
    with pytest.raises(NotFound):
        churn.set_alias(ANNA, "churn", "champion", "9")
    with pytest.raises(NotFound):
        churn.delete_alias(ANNA, "churn", "champion")
    with pytest.raises(NotFound):
        churn.aliases("default", "fraud")
    for name in ("1", "v1", "latest", "model_v2", "../x", "", "0" * 64):
        with pytest.raises(NameInvalid):
            churn.set_alias(ANNA, "churn", name, "1")


def test_an_alias_may_point_at_what_another_one_points_at(churn: Registry) -> None:
    churn.set_alias(ANNA, "churn", "challenger", "3")
    assert churn.set_alias(ANNA, "churn", "champion", "challenger").version == 3


def test_a_gate_lets_pass_what_has_the_numbers(churn: Registry, deployed: Deployed) -> None:
    gate = Gate(at_least={"accuracy": 0.9}, at_most={"speed.row_us": 100}, tags={"reviewed": "yes"})
    churn.change_model(ANNA, "churn", ModelChange(policy={"production": gate}))
    with pytest.raises(Conflict) as caught:
        churn.set_alias(ANNA, "churn", "production", "1")
    assert caught.value.code == "gate-refused"
    assert "accuracy is not known" in caught.value.message
    assert deployed.moves == []
    metrics = {"accuracy": 0.92, "speed.row_us": 12.0}
    churn.change_version(ANNA, "churn", "1", VersionChange(tags={"reviewed": "yes"}, metrics=metrics))
    assert churn.set_alias(ANNA, "churn", "production", "1").version == 1
    assert churn.set_alias(ANNA, "churn", "free", "2").version == 2


def test_every_reason_of_a_refusal_is_told() -> None:
    version = Version("churn", 1, "", "", 0, metrics={"accuracy": 0.5, "loss": 3.0})
    gate = Gate(at_least={"accuracy": 0.9, "recall": 0.5}, at_most={"loss": 1}, tags={"a": "b"})
    assert len(list(refusals(gate, version))) == 4
    assert list(refusals(Gate(at_least={"accuracy": 0.5}, at_most={"loss": 3}), version)) == []


def test_another_project_does_not_see_it(churn: Registry) -> None:
    churn.set_alias(ANNA, "churn", "champion", "1")
    eve = Author("eve", "elsewhere")
    for call in (
        lambda: churn.aliases("elsewhere", "churn"),
        lambda: churn.set_alias(eve, "churn", "champion", "2"),
        lambda: churn.delete_alias(eve, "churn", "champion"),
        lambda: churn.version("elsewhere", "churn", "champion"),
        lambda: churn.change_version(eve, "churn", "1", VersionChange(tags={})),
        lambda: churn.delete_version(eve, "churn", "2"),
        lambda: churn.delete_model(eve, "churn"),
        lambda: churn.bundle("elsewhere", "churn", "1"),
        lambda: churn.diff("elsewhere", "churn", "1", "2"),
    ):
        with pytest.raises(NotFound):
            call()
