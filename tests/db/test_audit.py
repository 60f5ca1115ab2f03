"""Looking into the journal: by project, newest first, a page at a time."""

from __future__ import annotations

import pytest
from tests.db.clock import Still

from modelport.core.records import Entry
from modelport.db.audit import Audit
from modelport.db.connect import Database
from modelport.db.journal import Author

ANNA, BORIS = Author("anna"), Author("boris")


@pytest.fixture
def audit(database: Database) -> Audit:
    clock = Still(100.0)
    filled = Audit(database, clock)
    filled.note(ANNA, "model.register", "churn:1")
    clock.time = 200.0
    filled.note(BORIS, "model.register", "churn:2", result="forbidden", detail={"needs": "operator"})
    filled.note(Author("eve", project="other"), "model.register", "secret:1")
    clock.time = 300.0
    filled.note(BORIS, "alias.set", "churn@champion")
    return filled


def told(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.resource for entry in entries]


def test_the_newest_comes_first_and_other_projects_are_not_there(audit: Audit) -> None:
    assert told(audit.entries("default", limit=10).items) == ["churn@champion", "churn:2", "churn:1"]


def test_entries_are_found_by_who_what_and_when(audit: Audit) -> None:
    assert told(audit.entries("default", actor="anna", limit=10).items) == ["churn:1"]
    assert told(audit.entries("default", action="alias.set", limit=10).items) == ["churn@champion"]
    assert told(audit.entries("default", resource="churn:2", limit=10).items) == ["churn:2"]
    assert told(audit.entries("default", since=200.0, limit=10).items) == ["churn@champion", "churn:2"]


def test_pages_follow_one_another(audit: Audit) -> None:
    first = audit.entries("default", limit=2)
    second = audit.entries("default", limit=2, cursor=first.next)
    assert told(first.items + second.items) == ["churn@champion", "churn:2", "churn:1"]
    assert second.next is None


def test_a_refusal_is_told_with_its_reason(audit: Audit) -> None:
    (entry,) = audit.entries("default", resource="churn:2", limit=1).items
    assert (entry.result, entry.detail, entry.at) == ("forbidden", {"needs": "operator"}, 200.0)
