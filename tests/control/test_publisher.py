"""Publishing: one revision after the other, nothing twice, a new epoch beats the old, the copy follows."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa
from tests.control.shared import with_fleet

from modelport.control import publisher
from modelport.control.publisher import Copies
from modelport.control.store import plans
from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.db.connect import Database
from modelport.db.tables import about
from modelport.db.tables import plans as table
from modelport.errors import Overloaded, PlanRefused


def plan(version: int, revision: Revision, weight: int = 10_000) -> ServingPlan:
    slot = f"churn:{version}"
    route = Route((Share(slot, weight),))
    return ServingPlan(revision, (SlotSpec(slot, "churn", version, "b"),), (EndpointSpec("churn", route),))


def publish(database: Database, version: int, weight: int = 10_000) -> Revision | None:
    return database.write(
        lambda to: publisher.publish(to, ["local"], lambda at: plan(version, at, weight), now=1.0)
    )


def newest(database: Database) -> ServingPlan | None:
    with database.reading() as connection:
        return plans.newest(connection, "local")


class Folder:
    """Documents by name, in memory; fails when it is told to."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.down = False

    def write(self, name: str, data: bytes) -> None:
        if self.down:
            msg = "away"
            raise Overloaded(msg)
        self.documents[name] = data


def test_revisions_count_and_a_plan_that_says_nothing_new_is_not_published(database: Database) -> None:
    assert publish(database, 1) == Revision(1, 1)
    assert publish(database, 1) is None
    assert publish(database, 2) == Revision(1, 2)
    assert newest(database) == plan(2, Revision(1, 2))


def test_a_plan_that_does_not_hold_together_is_refused_and_the_last_one_stays(database: Database) -> None:
    publish(database, 1)
    with pytest.raises(PlanRefused):
        publish(database, 2, weight=9_000)
    assert newest(database) == plan(1, Revision(1, 1))


def test_after_a_restore_the_plans_of_the_new_epoch_beat_all_older_ones(database: Database) -> None:
    publish(database, 1)
    publish(database, 2)
    raised = sa.update(about).where(about.c.name == "epoch").values(value="2")
    if not database.write(lambda to: to.execute(raised).rowcount):
        database.write(lambda to: to.execute(sa.insert(about).values(name="epoch", value="2")))
    assert publish(database, 2) == Revision(2, 1)  # the same plan, told anew


def test_of_old_plans_a_hundred_are_kept(database: Database) -> None:
    for number in range(105):
        publish(database, number + 1)
    with database.reading() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(table))
    assert kept == plans.KEPT


def test_the_copy_in_the_artifact_store_follows_and_what_failed_is_tried_again(database: Database) -> None:
    with_fleet(database)
    folder = Folder()
    copies = Copies(database, folder)
    publish(database, 1)
    folder.down = True
    with pytest.raises(Overloaded):
        copies.follow()
    folder.down = False
    copies.follow()
    found = msgspec.json.decode(folder.documents["plans/local/latest.json"], type=ServingPlan)
    assert found == plan(1, Revision(1, 1))
    folder.down = True
    copies.follow()  # nothing new, so nothing is written
