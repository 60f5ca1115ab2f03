"""Killed with kill -9 anywhere between a command and its plan: all of it was done or nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from tests.control import crash
from tests.control.shared import ANNA, Clock, Replica, service, with_fleet
from tests.killed import Child

from modelport.control.service import found
from modelport.control.store import configurations, rollouts
from modelport.core.deployment import Deployment
from modelport.core.plan import ServingPlan, check
from modelport.core.records import Entry
from modelport.core.rollout import Rollout
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.tables import journal as entries


class Scene:
    """An endpoint, and control planes that die over it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.clock = Clock()
        self.replica = Replica(database, self.clock)
        self.kills = 0
        with_fleet(database)
        service(database, self.clock).deploy(ANNA, "churn", "1")
        self.until_live(1)

    def child(self) -> Child:
        url = self.database.url.render_as_string(hide_password=False)
        return Child("tests.control.crash", url, self.folder)

    def turn(self, child: Child, action: str, version: int, step: int) -> None:
        """Ask a control plane that is killed at a step, look, and ask the next one where nothing was done."""
        self.clock.time += 60  # the lease of who died before is over
        before = self.told()
        killed, said = child.do(step, action, version, self.clock.time)
        self.kills += killed
        new = self.told()[len(before) :]
        done = is_whole(action, [each.action for each in new if each.actor == ANNA.actor])
        assert done or not said
        self.judge()
        if not done:
            crash.ask(service(self.database, self.clock), action, version)
        self.clock.time += 60
        self.until_live(version) if action == "promote" else self.until_judged(version)
        self.judge()

    def judge(self) -> None:
        """What the tables say of each other holds together."""
        told = self.told()
        assert journal.broken(iter(told)) is None
        with self.database.reading() as connection:
            kinds = ("deployment", "model_config")
            history = {
                (kind, each.version)
                for kind in kinds
                for each in configurations.history(connection, "default", kind, "churn")
            }
            decided = rollouts.decided(connection, self.deployment().rollout)
        documents = [each.detail for each in told if "resolved" in each.detail]
        assert {(each["kind"], each["version"]) for each in documents} == history
        assert documents[-1]["generation"] == self.deployment().generation
        assert [each.number for each in decided] == list(range(1, len(decided) + 1))
        copy = self.copy()
        newest = self.replica.plan()
        assert newest is not None
        assert check(newest) is newest
        assert copy is None or copy.revision <= newest.revision

    def until_live(self, version: int) -> None:
        self.go_on(lambda: self.deployment().live == version)

    def until_judged(self, version: int) -> None:
        self.go_on(lambda: (self.rollout().spec.candidate, self.rollout().phase) == (version, "judging"))

    def go_on(self, done: object) -> None:
        """The next control plane takes over and finishes what was begun."""
        assert callable(done)
        loop = crash.loop(self.database, self.folder, self.clock, f"next-{self.clock.time}")
        for _ in range(8):
            self.clock.time += 1
            loop.step()
            self.replica.report()
            if self.replica.plan() and done():
                break
        assert done()
        assert self.copy() == self.replica.plan()

    def told(self) -> list[Entry]:
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(entries).order_by(entries.c.number))
            return [journal.read(row) for row in rows]

    def deployment(self) -> Deployment:
        with self.database.reading() as connection:
            return found(connection, "default", "churn").deployment

    def rollout(self) -> Rollout:
        with self.database.reading() as connection:
            kept = rollouts.get(connection, "default", self.deployment().rollout)
        assert kept is not None
        return kept.rollout

    def copy(self) -> ServingPlan | None:
        """The copy of the plan in the artifact store."""
        file = self.folder / "plans" / "local" / "latest.json"
        return msgspec.json.decode(file.read_bytes(), type=ServingPlan) if file.exists() else None


def is_whole(action: str, told: list[str]) -> bool:
    """Whether an action was done; it is done as a whole or not at all."""
    whole = {"apply": {"deployment.apply": 2}, "promote": {"rollout.promote": 1}}[action]
    assert Counter(told) in (Counter(), Counter(whole))
    return bool(told)


def steps_of_both(scene: Scene, child: Child) -> int:
    """A step at which applying and promoting a version has ended, about."""
    for step in range(20, 1000, 20):
        kills = scene.kills
        scene.turn(child, "apply", 1 + (scene.deployment().live or 1) % 2, step)
        scene.turn(child, "promote", scene.rollout().spec.candidate, step)
        if scene.kills == kills:
            return step
    raise AssertionError


def rounds(scene: Scene, child: Child, steps: Iterator[int]) -> None:
    """Versions are applied and promoted, one after the other, each time killed at the next of these steps."""
    version = scene.deployment().live or 1
    for number, step in enumerate(steps):
        if number % 2 == 0:
            version = 1 + version % 3
        scene.turn(child, "apply" if number % 2 == 0 else "promote", version, step)


def test_a_control_plane_killed_at_any_step_did_all_of_it_or_nothing(
    database: Database, tmp_path: Path
) -> None:
    scene = Scene(database, tmp_path / "artifacts")
    with scene.child() as child:
        rounds(scene, child, (step for step in (5, 12, 25, 50, 75, 100) for _ in range(2)))
    assert scene.kills >= 8


@pytest.mark.slow
def test_500_commands_killed_at_random_steps_are_whole_or_not_there(
    database: Database, tmp_path: Path
) -> None:
    draw = random.Random(4)
    scene = Scene(database, tmp_path / "artifacts")
    with scene.child() as child:
        last = steps_of_both(scene, child)
        scene.kills = 0
        rounds(scene, child, (draw.randint(1, last) for _ in range(500)))
    print(f"{scene.kills} kills in 500 commands of up to {last} steps, 0 lost, 0 half done")
