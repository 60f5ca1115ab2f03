"""Truths are taken once, in any order, meet their predictions, and count once as evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.control.shared import ANNA, Calls, Clock, with_fleet

from modelport.control.feedback.joiner import PATIENCE, Joiner
from modelport.control.feedback.spool import Predicted
from modelport.control.feedback.taking import MOST, Feedback
from modelport.control.store import replicas
from modelport.core.evidence import NONE, Outcomes
from modelport.core.sights import FeedbackSeen, Taken
from modelport.core.wishes import Truth
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import feedback as table
from modelport.errors import InvalidInput, NotFound, TooLarge


class Answered:
    """Predictions that were answered, as spools hold them."""

    def __init__(self) -> None:
        self.by_id: dict[str, Predicted] = {}
        self.by_user: dict[str, Predicted] = {}

    def add(self, id: str, slot: str, *rows: Any, user: str = "") -> None:  # noqa: A002
        self.by_id[id] = Predicted(id, "local", slot, rows)
        if user:
            self.by_user[user] = self.by_id[id]

    def find(self, project: str, ids: Collection[str]) -> Mapping[str, Predicted]:
        return {id: self.by_id[id] for id in ids if id in self.by_id}  # noqa: A001

    def latest(self, project: str, model: str, users: Collection[str]) -> Mapping[str, Predicted]:
        return {user: self.by_user[user] for user in users if user in self.by_user}


def known(connection: Connection, project: str, model: str) -> None:
    if model not in {"churn", "fraud"}:
        msg = f"there is no model {model!r}"
        raise NotFound(msg)


class World:
    """Feedback over a database, with a clock that is turned by hand."""

    def __init__(self, database: Database, task: str = "classification") -> None:
        with_fleet(database)
        self.database = database
        self.clock = Clock()
        self.answered = Answered()
        self.woken = Calls()
        self.feedback = Feedback(database, self.clock, known, self.woken)
        self.joiner = Joiner(database, self.answered, lambda *_: task, self.clock)

    def take(self, *truths: Truth, model: str = "churn", author: Author = ANNA) -> Taken:
        return self.feedback.take(author, model, truths)

    def seen(self, model: str = "churn") -> Sequence[FeedbackSeen]:
        return self.feedback.since("default", model, 0.0, limit=100, cursor=None).items

    def due(self) -> float | None:
        """When the first truth's prediction is looked for next."""
        with self.database.reading() as connection:
            found: float | None = connection.scalar(sa.select(sa.func.min(table.c.due)))
            return found

    def evidence(self, slot: str = "churn:2") -> Outcomes:
        with self.database.reading() as connection:
            return replicas.tally(connection, "local", [slot]).get(slot, NONE)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_truth_is_joined_with_its_prediction_and_counts(world: World) -> None:
    world.answered.add("01A", "churn:2", "leaves")
    world.answered.add("01B", "churn:2", "stays")
    assert world.take(Truth("leaves", "01A"), Truth("leaves", "01B")) == Taken(new=2)
    assert world.woken.count == 1
    assert world.joiner.look() == 2
    assert world.evidence() == Outcomes(labels=2, right=1)
    assert [(each.right, each.version) for each in world.seen()] == [(True, 2), (False, 2)]


def test_the_same_truth_again_changes_nothing(world: World) -> None:
    world.answered.add("01A", "churn:2", "leaves")
    world.take(Truth("leaves", "01A"))
    world.joiner.look()
    assert world.take(Truth("leaves", "01A"), Truth("leaves", "01A")) == Taken(repeated=2)
    assert world.joiner.look() == 0
    assert world.evidence() == Outcomes(labels=1, right=1)


def test_a_correction_counts_from_now_on_and_is_no_second_witness(world: World) -> None:
    world.answered.add("01A", "churn:2", "leaves")
    world.take(Truth("leaves", "01A"))
    world.joiner.look()
    assert world.take(Truth("stays", "01A")) == Taken(corrections=1)
    world.joiner.look()
    [seen] = world.seen()
    assert (seen.actual, seen.right) == ("stays", False)
    assert world.evidence() == Outcomes(labels=1, right=1, amended=-1)
    assert world.evidence().correct == 0


@pytest.mark.parametrize("seen_after", [0, 1, 2, 3])
def test_the_newest_value_counts_whenever_its_prediction_became_known(world: World, seen_after: int) -> None:
    """Whether it was corrected before it was joined or after, and however often it is said again."""
    for number, said in enumerate(["leaves", "stays", "stays", "leaves", "stays"]):
        if number == seen_after:
            world.answered.add("01A", "churn:2", "stays")
        world.clock.time += 10
        world.take(Truth(said, "01A"))
        world.joiner.look()
        world.joiner.look()
    evidence = world.evidence()
    assert (evidence.labels, evidence.correct) == (1, 1)


def test_a_correction_needs_no_look_for_its_prediction(world: World) -> None:
    """Years later the recording is gone, and a user has had other predictions since."""
    world.answered.add("01A", "churn:2", "leaves", user="u1")
    truth = Truth("leaves", user_id="u1", prediction="leaves")
    world.take(Truth("leaves", "01A"), truth)
    world.joiner.look()
    world.answered.by_id.clear()
    world.answered.add("01B", "churn:3", "stays", user="u1")
    world.clock.time += 3 * 365 * 24 * 3600
    world.take(Truth("stays", "01A"), Truth("stays", user_id="u1", prediction="leaves"))
    assert world.joiner.look() == 2
    assert world.evidence().correct == 0
    assert world.evidence("churn:3") == NONE
    assert [(each.version, each.right) for each in world.seen()] == [(2, False), (2, False)]


def test_a_truth_may_come_before_its_prediction_and_long_after(world: World) -> None:
    world.take(Truth("leaves", "01A"))
    assert world.joiner.look() == 0
    world.answered.add("01A", "churn:2", "leaves")
    assert world.joiner.look() == 0, "it is not due again in the same moment"
    world.clock.time += 1.5
    assert world.joiner.look() == 1
    world.clock.time += 3 * 365 * 24 * 3600
    world.answered.add("01B", "churn:2", "stays")
    world.take(Truth("stays", "01B"))
    assert world.joiner.look() == 1


def test_a_prediction_that_never_comes_is_looked_for_ever_more_seldom_and_then_no_more(world: World) -> None:
    world.take(Truth("leaves", "01A"))
    began = now = world.clock.time
    looks = []
    while (due := world.due()) is not None:
        looks.append(due - now)
        now = world.clock.time = max(due, now) + (20 * 3600 if len(looks) > 14 else 0)
        world.joiner.look()
    assert looks[1:6] == [1, 2, 4, 8, 16]
    assert max(looks) <= 3600
    assert now - began > PATIENCE
    assert not world.seen()[0].joined


def test_a_row_of_several_is_named_by_its_place(world: World) -> None:
    world.answered.add("01A", "churn:2", "leaves", "stays")
    world.take(Truth("stays", "01A.1"), Truth("stays", "01A.0"), Truth("stays", "01A.7"))
    assert world.joiner.look() == 2
    assert world.evidence() == Outcomes(labels=2, right=1)


def test_a_user_stands_for_his_latest_prediction(world: World) -> None:
    world.answered.add("01A", "churn:1", "stays", user="u1")
    world.answered.add("01B", "churn:2", "leaves", user="u1")
    world.take(Truth("leaves", user_id="u1", prediction="leaves"))
    assert world.joiner.look() == 1
    assert world.evidence() == Outcomes(labels=1, right=1)


def test_a_truth_about_another_model_joins_nothing(world: World) -> None:
    world.answered.add("01A", "churn:2", "leaves")
    world.take(Truth("leaves", "01A"), model="fraud")
    world.take(Truth("leaves", "01A"))
    assert world.joiner.look() == 1
    assert not world.seen("fraud")[0].joined
    assert world.seen()[0].joined


def test_where_right_is_a_matter_of_degree_a_truth_is_kept_and_is_no_evidence(database: Database) -> None:
    world = World(database, task="regression")
    world.answered.add("01A", "churn:2", 2.5)
    world.take(Truth(2.7, "01A"))
    assert world.joiner.look() == 1
    assert world.seen()[0] == FeedbackSeen(2.7, world.clock.time, "01A", "", 2.5, True, None, 2)
    assert world.evidence() == NONE


def test_control_slots_are_counted_as_themselves(world: World) -> None:
    world.answered.add("01A", "churn:1~control", "leaves")
    world.take(Truth("leaves", "01A"))
    world.joiner.look()
    assert world.evidence("churn:1~control") == Outcomes(labels=1, right=1)
    assert world.seen()[0].version == 1


@pytest.mark.parametrize("truth", [Truth("x"), Truth("x", user_id="u1"), Truth(None, "01A")])
def test_one_truth_that_says_too_little_keeps_all_of_them_out(world: World, truth: Truth) -> None:
    with pytest.raises(InvalidInput) as caught:
        world.take(Truth("leaves", "01A"), truth)
    assert caught.value.code == "bad-feedback"
    assert caught.value.pointer.startswith("/1")
    assert world.seen() == ()


def test_too_much_at_once_is_refused(world: World) -> None:
    with pytest.raises(TooLarge):
        world.take(*[Truth("x", "01A")] * (MOST + 1))
    with pytest.raises(TooLarge):
        world.take(Truth("x" * 70_000, "01A"))


def test_a_model_that_is_not_there_takes_no_feedback(world: World) -> None:
    with pytest.raises(NotFound):
        world.take(Truth("leaves", "01A"), model="nothing")


def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    for number in range(5):
        world.clock.time += 1
        world.take(Truth("x", f"01{number}"))
    found, cursor = [], None
    while True:
        page = world.feedback.since("default", "churn", 0.0, limit=2, cursor=cursor)
        found += [each.prediction_id for each in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == [f"01{number}" for number in range(5)]
