"""The loop over a real database: what is wanted happens, on evidence, whoever is killed in between."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa
from tests.control.shared import ANNA, Clock, Replica, Shelf, means, reconciler, service, with_fleet

from modelport.control import passes
from modelport.control.looks import Looks
from modelport.control.reconciler import Reconciler
from modelport.control.service import Service, found
from modelport.control.status import status
from modelport.control.store import deployments, rollouts
from modelport.control.wanted import Asked
from modelport.core.deployment import Criteria, Deployment, DeploymentSpec, ModelConfig, Overrides, Terms
from modelport.core.rollout import Decided, Rollout
from modelport.core.sights import ModelStatus
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.tables import journal as entries
from modelport.registry import models

TERMS = Terms(Criteria(error_rate=0.02), min_requests=300, min_duration=5.0)
CANARY = DeploymentSpec("churn", "canary", 2, steps=(1000, 10_000), terms=TERMS)


class Scene:
    """A control plane, a replica, and a hand on the clock."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with_fleet(database)
        self.clock = Clock()
        self.to: Service = service(database, self.clock)
        self.loop: Reconciler = reconciler(database, self.clock)
        self.replica = Replica(database, self.clock)

    def go_on(self, seconds: int = 1, requests: int = 0) -> None:
        for _ in range(seconds):
            self.clock.time += 1
            self.loop.step()
            self.replica.serve(requests)
            self.replica.report()
        self.loop.step()

    def canary(self, spec: DeploymentSpec = CANARY) -> None:
        self.to.deploy(ANNA, "churn", "1")
        self.go_on(3, requests=100)
        self.to.want(ANNA, [Asked("deployment", "churn", {}, spec)])
        self.go_on(2, requests=100)

    @property
    def deployment(self) -> Deployment:
        with self.database.reading() as connection:
            return found(connection, "default", "churn").deployment

    def status(self, model: str = "churn") -> ModelStatus:
        self.database.write(lambda to: models.make(to, ANNA, model, 0.0))
        with self.database.reading() as connection:
            return status(connection, "default", model, self.clock.now())

    @property
    def rollout(self) -> Rollout:
        with self.database.reading() as connection:
            kept = rollouts.get(connection, "default", self.deployment.rollout)
        assert kept is not None
        return kept.rollout

    @property
    def decided(self) -> list[Decided]:
        with self.database.reading() as connection:
            return rollouts.decided(connection, self.deployment.rollout)


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


def test_a_first_version_answers_as_soon_as_it_is_loaded(scene: Scene) -> None:
    scene.to.deploy(ANNA, "churn", "1")
    scene.go_on(3)
    assert scene.replica.shares() == {"churn:1": 10_000}
    assert (scene.deployment.live, scene.rollout.phase) == (1, "ended")
    available = next(each for each in scene.deployment.conditions if each.kind == "Available")
    assert available.true


def test_a_rollout_is_pending_until_what_is_wanted_is_taken_up(scene: Scene) -> None:
    """Who watches then is not shown how the one before has ended."""
    looks = Looks(scene.database)
    for version in ("1", "2", "2"):
        wanted = scene.to.activate(ANNA, "churn", version)
        assert looks.pending("default", "churn") == (wanted.live is None or str(wanted.live) != version)
        scene.go_on(3)
        assert not looks.pending("default", "churn")
    config = ModelConfig(Overrides(batch_size=8))
    scene.to.want(ANNA, [Asked("model_config", "churn", {}, config)])
    assert looks.pending("default", "churn")
    scene.go_on(1)
    assert not looks.pending("default", "churn"), "a config needs no rollout"


def test_a_good_canary_is_promoted_on_evidence_and_its_decisions_can_be_shown(scene: Scene) -> None:
    scene.canary()
    assert scene.replica.shares() == {"churn:2": 1000, "churn:1~control": 1000, "churn:1": 8000}
    scene.go_on(30, requests=400)
    assert scene.deployment.live == 2
    assert scene.replica.shares() == {"churn:2": 10_000}
    kinds = [type(each.decision).__name__ for each in scene.decided]
    assert kinds[-1] == "Promote"
    assert [each.number for each in scene.decided] == list(range(1, len(kinds) + 1))
    promoted = scene.decided[-1]
    assert promoted.requests >= 300
    assert {finding.name for finding in promoted.findings} >= {"error_rate", "guard.errors"}


def test_a_bad_canary_goes_back_and_the_baseline_never_stopped(scene: Scene) -> None:
    scene.canary()
    scene.replica.faults[2] = 20
    scene.go_on(30, requests=400)
    assert scene.rollout.phase == "rolled_back"
    assert (scene.deployment.live, scene.replica.shares()) == (1, {"churn:1": 10_000})
    assert "harm" in scene.rollout.reason


def test_a_rollout_that_is_left_to_a_person_is_worth_an_alert(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    terms = msgspec.structs.replace(TERMS, max_duration=20.0)
    scene.canary(msgspec.structs.replace(CANARY, terms=terms))
    scene.go_on(30)
    assert scene.rollout.phase == "holding"
    [alert] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert alert.message == "decided"
    assert alert.fields["decision"] == "hold"  # type: ignore[attr-defined]
    scene.to.ask(ANNA, "churn", "rollback")
    scene.go_on(1)
    assert [record for record in caplog.records if record.levelname == "WARNING"] == [alert]


def test_a_candidate_that_never_loads_fails_with_its_reason_and_nothing_is_routed_to_it(scene: Scene) -> None:
    scene.replica.broken = {2}
    scene.canary()
    scene.go_on(5)
    assert scene.rollout.phase == "failed"
    assert "no such operator" in scene.rollout.reason
    assert scene.replica.shares() == {"churn:1": 10_000}


def test_a_wish_is_carried_out_by_the_next_pass_and_told_with_the_name_of_the_person(scene: Scene) -> None:
    scene.canary()
    scene.to.ask(ANNA, "churn", "pause")
    scene.go_on()
    assert scene.rollout.phase == "paused"
    scene.to.ask(ANNA, "churn", "promote")
    scene.go_on()
    assert scene.deployment.live == 2
    assert [each.by for each in scene.decided[-2:]] == ["anna", "anna"]


def test_another_control_plane_takes_over_in_the_middle_and_the_fenced_one_writes_nothing(
    scene: Scene,
) -> None:
    scene.canary()
    scene.clock.time += 60  # the first one sleeps beyond its lease
    other = reconciler(scene.database, scene.clock, "two")
    other.step()
    assert other.leads
    first, scene.loop = scene.loop, other
    before = scene.replica.plan()
    scene.to.ask(ANNA, "churn", "rollback")
    first._renewed = scene.clock.time  # it believes that it still leads
    first.step()
    assert not first.leads
    assert scene.replica.plan() == before
    scene.go_on()
    assert scene.rollout.phase == "rolled_back"


def test_an_endpoint_whose_pass_fails_does_not_hold_up_another(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(situation: passes.Situation, strategies: passes.Strategies) -> passes.Outcome:
        if situation.deployment.endpoint == "bad":
            raise RuntimeError
        return real(situation, strategies)

    real = passes.take
    monkeypatch.setattr(passes, "take", take)
    scene.to.deploy(ANNA, "churn", "1")
    bad = Deployment("bad", DeploymentSpec("bad", "direct", 1), 1)
    scene.database.write(lambda to: deployments.put(to, deployments.Kept(bad)))
    scene.go_on(3)
    assert scene.deployment.live == 1
    seen = scene.status("bad")
    assert (seen.state, seen.live) == ("failed", None)
    assert "RuntimeError" in seen.reason


def test_what_cannot_be_planned_stays_as_it_was_and_says_why_until_it_can(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.to.deploy(ANNA, "churn", "1")
    scene.go_on(3)
    scene.to.deploy(ANNA, "churn", "2")
    with monkeypatch.context() as gone:
        gone.setattr(Shelf, "some", lambda *_: {})
        scene.go_on(2)
    assert scene.replica.shares() == {"churn:1": 10_000}
    assert "not registered" in scene.deployment.trouble
    assert (scene.status().state, scene.status().reason) == ("degraded", scene.deployment.trouble)
    scene.go_on(8)
    assert (scene.deployment.trouble, scene.deployment.live) == ("", 2)
    assert scene.status().state == "serving"


def test_what_is_deleted_leaves_the_plan(scene: Scene) -> None:
    scene.to.deploy(ANNA, "churn", "1")
    scene.go_on(3)
    scene.to.delete(ANNA, "churn")
    scene.go_on(7)
    plan = scene.replica.plan()
    assert plan is not None
    assert (plan.slots, plan.endpoints) == ((), ())


@pytest.mark.parametrize("seed", range(2))
def test_started_anew_before_every_step_it_ends_the_same(database: Database, seed: int) -> None:
    """All that matters is stored: control planes of one step each decide as one that lives on."""
    scene = Scene(database)
    scene.canary()
    if seed % 2:
        scene.replica.faults[2] = 20
    for number in range(25):
        scene.loop = reconciler(database, scene.clock, f"life-{number}")
        scene.clock.time += 5  # the former one's lease runs out
        scene.go_on(1, requests=600)
    assert scene.deployment.live == (1 if seed % 2 else 2)


def test_the_journal_tells_all_of_it_and_holds_together(scene: Scene) -> None:
    scene.canary()
    scene.go_on(30, requests=400)
    with scene.database.reading() as connection:
        found = [
            journal.read(row) for row in connection.execute(sa.select(entries).order_by(entries.c.number))
        ]
    assert journal.broken(iter(found)) is None
    told = [(each.actor, each.action) for each in found]
    assert ("anna", "deployment.deploy") in told
    assert ("control", "rollout.decide") in told
    assert msgspec.json.encode(found[-1].detail)
    assert means().locate("ab") == "file:///artifacts/ab"
