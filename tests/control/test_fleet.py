"""Reports: every count is added once, in whatever order, and the newest says how a replica is."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.control import shared
from tests.control.shared import Clock, status, with_fleet

from modelport.control import fleet
from modelport.control.fleet import Fleets
from modelport.control.store import replicas
from modelport.core.evidence import NONE, Outcomes, total
from modelport.core.fleet import SlotStatus
from modelport.db.connect import Database
from modelport.errors import NotFound


def sums(database: Database, *slots: str) -> dict[str, Outcomes]:
    with database.reading() as connection:
        return replicas.tally(connection, "local", slots or ("churn:1",))


def fleets(database: Database, clock: Clock | None = None) -> Fleets:
    with_fleet(database)
    return shared.fleets_of(database, clock or Clock())


def seen(requests: int) -> dict[str, Outcomes]:
    return {"churn:1": Outcomes(requests=requests, trials=requests)}


def test_what_a_replica_counted_is_added_once_whatever_comes_twice_or_late(database: Database) -> None:
    to = fleets(database)
    for sequence, requests in ((1, 10), (3, 30), (2, 20), (3, 30), (4, 45)):
        to.report("default", "local", status(sequence, seen(requests)))
    assert sums(database)["churn:1"].requests == 45


def test_a_replica_that_starts_again_counts_from_nothing_and_its_former_life_may_still_report(
    database: Database,
) -> None:
    to = fleets(database)
    to.report("default", "local", status(1, seen(10)))
    to.report("default", "local", status(1, seen(5), incarnation="b"))
    to.report("default", "local", status(2, seen(12), incarnation="a"))
    to.report("default", "local", status(2, seen(6), incarnation="b"))
    assert sums(database)["churn:1"].requests == 18
    with database.reading() as connection:
        (life,) = replicas.newest(connection, "local")
    assert life.status.incarnation == "b"


def test_a_slot_that_left_and_came_back_is_counted_on(database: Database) -> None:
    to = fleets(database)
    to.report("default", "local", status(1, seen(10)))
    to.report("default", "local", status(2, {}))
    to.report("default", "local", status(3, seen(12)))
    assert sums(database)["churn:1"].requests == 22


def test_labels_are_not_a_replicas_to_count(database: Database) -> None:
    fleets(database).report(
        "default", "local", status(1, {"churn:1": Outcomes(requests=1, labels=50, right=50)})
    )
    assert sums(database)["churn:1"] == Outcomes(requests=1)


def test_a_replica_that_does_not_report_for_ten_seconds_is_silent_and_for_a_day_is_forgotten(
    database: Database,
) -> None:
    clock = Clock()
    to = fleets(database, clock)
    to.report("default", "local", status(1, seen(10), slots={"churn:1": SlotStatus("ready")}))
    assert to.replicas("default", "local")[0].alive
    clock.time += 11
    assert not to.replicas("default", "local")[0].alive
    clock.time += 25 * 3600
    to.report("default", "local", status(1, seen(1), replica="r2"))
    assert [each.name for each in to.replicas("default", "local")] == ["r2"]
    assert sums(database)["churn:1"].requests == 11


def test_a_fleet_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(NotFound) as refused:
        fleets(database).report("default", "elsewhere", status(1))
    assert refused.value.code == "no-such-fleet"


def test_a_fleet_of_another_project_is_not_there(database: Database) -> None:
    to = fleets(database)
    with pytest.raises(NotFound):
        to.report("other", "local", status(1))
    with pytest.raises(NotFound):
        to.plan("other", "local")
    with pytest.raises(NotFound):
        to.access("other", "local")


def test_forty_replicas_at_once_lose_nothing(database: Database) -> None:
    to = fleets(database)

    def live(number: int) -> None:
        for sequence in range(1, 4):
            to.report("default", "local", status(sequence, seen(sequence * 10), replica=f"r{number}"))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(live, range(40)))
    assert sums(database)["churn:1"].requests == 40 * 30
    assert len(to.replicas("default", "local")) == 40


steps = some.lists(some.integers(0, 50), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lives=some.lists(steps, min_size=1, max_size=3),
    order=some.randoms(use_true_random=False),
    together=some.integers(1, 9),
)
def test_sums_are_what_every_life_counted_last_in_any_order_of_reports(
    database: Database, lives: list[list[int]], order: object, together: int
) -> None:
    """The law: whatever is reordered, lost or repeated, so long as the last report of each life arrives."""
    slot = f"m-{uuid.uuid4().hex}:1"
    reports = []
    for life, steps in enumerate(lives):
        counted = 0
        for sequence, more in enumerate(steps, 1):
            counted += more
            reports.append(
                status(sequence, {slot: Outcomes(requests=counted)}, replica=slot, incarnation=str(life))
            )
    order.shuffle(reports)  # type: ignore[attr-defined]
    with_fleet(database)
    with database.writing() as connection:
        for start in range(0, len(reports), together):
            fleet.keep(connection, "local", reports[start : start + together], 1.0)
    expected = sum(sum(steps) for steps in lives)
    assert total(sums(database, slot).values()) == (Outcomes(requests=expected) if expected else NONE)
