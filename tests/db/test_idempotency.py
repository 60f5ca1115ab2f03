"""A request that is sent again is not done again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests import databases
from tests.db.clock import Still

from modelport.db import idempotency
from modelport.db.connect import Database
from modelport.db.idempotency import Idempotency, StoredAnswer
from modelport.errors import Conflict, InvalidInput

ANSWER = StoredAnswer(201, (("etag", '"1"'),), b"\x00made")


@pytest.fixture
def clock() -> Still:
    return Still(1000.0)


@pytest.fixture
def answers(database: Database, clock: Still) -> Idempotency:
    return Idempotency(database, clock)


def test_a_repetition_gets_the_answer_that_was_given(answers: Idempotency) -> None:
    assert answers.begin("anna", "k", "digest") is None
    answers.finish("anna", "k", ANSWER)
    assert answers.begin("anna", "k", "digest") == ANSWER
    assert answers.begin("boris", "k", "digest") is None  # another caller has keys of its own


def test_while_it_is_under_way_a_repetition_is_told_so(answers: Idempotency) -> None:
    answers.begin("anna", "k", "digest")
    with pytest.raises(Conflict) as caught:
        answers.begin("anna", "k", "digest")
    assert caught.value.code == "idempotency-running"


def test_a_key_used_with_another_request_is_refused(answers: Idempotency) -> None:
    answers.begin("anna", "k", "digest")
    answers.finish("anna", "k", ANSWER)
    with pytest.raises(InvalidInput) as caught:
        answers.begin("anna", "k", "other")
    assert caught.value.code == "idempotency-reused"


def test_what_came_to_no_answer_may_be_tried_again(answers: Idempotency) -> None:
    answers.begin("anna", "k", "digest")
    answers.abandon("anna", "k")
    assert answers.begin("anna", "k", "digest") is None


def test_an_answer_stays_though_its_request_is_abandoned_late(answers: Idempotency) -> None:
    answers.begin("anna", "k", "digest")
    answers.finish("anna", "k", ANSWER)
    answers.abandon("anna", "k")
    assert answers.begin("anna", "k", "digest") == ANSWER


def test_answers_are_kept_for_a_day(answers: Idempotency, clock: Still) -> None:
    answers.begin("anna", "k", "digest")
    answers.finish("anna", "k", ANSWER)
    clock.time += idempotency.KEPT_SECONDS - 1
    assert answers.begin("anna", "k", "digest") == ANSWER
    clock.time += 2
    assert answers.begin("anna", "k", "digest") is None


def test_what_a_killed_control_plane_left_under_way_is_free_after_a_while(
    answers: Idempotency, clock: Still
) -> None:
    answers.begin("anna", "k", "digest")
    clock.time += idempotency.RUNNING_SECONDS + 1
    assert answers.begin("anna", "k", "digest") is None


def test_what_it_left_in_a_file_is_free_at_the_next_start(tmp_path: Path, clock: Still) -> None:
    with databases.fresh("sqlite", tmp_path) as database:
        left_under_way(Idempotency(database, clock))


def test_what_another_has_under_way_on_a_server_stays_so(tmp_path: Path, clock: Still) -> None:
    with databases.fresh("postgresql", tmp_path) as database, pytest.raises(Conflict):
        left_under_way(Idempotency(database, clock))


def left_under_way(answers: Idempotency) -> None:
    answers.begin("anna", "k", "digest")
    answers.begin("anna", "done", "digest")
    answers.finish("anna", "done", ANSWER)
    answers.forget_running()
    assert answers.begin("anna", "k", "digest") is None
    assert answers.begin("anna", "done", "digest") == ANSWER


def test_of_many_at_once_one_carries_it_out(answers: Idempotency) -> None:
    def begin(_: int) -> bool:
        try:
            return answers.begin("anna", "k", "digest") is None
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(16))) == 1
