"""What is wanted: written once, whole, with its history and journal; asking twice changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
import sqlalchemy as sa
from tests.control.shared import ANNA, Calls, Clock, Versions, service

from modelport.control.evidence import Evidence
from modelport.control.service import Service, found
from modelport.control.store import configurations, deployments, rollouts
from modelport.control.store.rollouts import Kept
from modelport.control.wanted import Asked
from modelport.core.deployment import Arm, Deployment, DeploymentSpec, ModelConfig
from modelport.core.plan import Scaling
from modelport.core.records import Version
from modelport.core.rollout import Rollout
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import journal as entries
from modelport.errors import Conflict, NotFound, PreconditionFailed

CANARY = DeploymentSpec("churn", "canary", 2, steps=(500, 10_000))
DOCUMENT = {"deployment": {"strategy": "canary", "canary_percentage": 5}}
CANARY_ASKED = Asked("deployment", "churn", DOCUMENT, CANARY)
CONFIG = ModelConfig(scaling=Scaling(1, 4, True))
CONFIG_ASKED = Asked("model_config", "churn", {"name": "churn"}, CONFIG)


def actions(database: Database) -> list[str]:
    with database.reading() as connection:
        rows = connection.execute(sa.select(entries).order_by(entries.c.number)).all()
    assert journal.broken(journal.read(row) for row in rows) is None
    return [row.action for row in rows]


def known(database: Database, endpoint: str = "churn") -> Deployment:
    with database.reading() as connection:
        return found(connection, "default", endpoint).deployment


def end_rollout(database: Database, rollout: Rollout, live: int) -> None:
    """As the reconciler leaves things when a rollout has ended."""

    def work(connection: sa.Connection) -> None:
        rollouts.put(connection, "default", Kept(rollout, Evidence()))
        kept = found(connection, "default", "churn")
        deployment = msgspec.structs.replace(kept.deployment, rollout=rollout.id, live=live)
        deployments.put(connection, msgspec.structs.replace(kept, deployment=deployment, active=False))

    database.write(work)


def test_the_same_document_twice_is_one_generation_one_configuration_and_one_entry(
    database: Database,
) -> None:
    wake = Calls()
    to = service(database, wake=wake)
    assert to.want(ANNA, [CANARY_ASKED])
    assert not to.want(ANNA, [CANARY_ASKED])
    assert known(database).generation == 1
    assert actions(database) == ["deployment.apply"]
    assert wake.count == 2


def test_a_changed_document_is_the_next_generation_and_the_next_version_of_its_configuration(
    database: Database,
) -> None:
    to = service(database)
    to.want(ANNA, [CANARY_ASKED])
    changed = msgspec.structs.replace(CANARY, steps=(1000, 10_000))
    to.want(Author("bob"), [msgspec.structs.replace(CANARY_ASKED, resolved=changed)])
    with database.reading() as connection:
        history = configurations.history(connection, "default", "deployment", "churn")
    assert [each.version for each in history] == [2, 1]
    assert history[0].document == DOCUMENT
    assert (known(database).generation, known(database).updated_by) == (2, "bob")


def test_documents_of_one_file_are_carried_out_together_or_not_at_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    to = service(database)
    with monkeypatch.context() as patch:
        patch.setattr(configurations, "add", fail)
        with pytest.raises(RuntimeError):
            to.want(ANNA, [CONFIG_ASKED, CANARY_ASKED])
    with database.reading() as connection:
        assert deployments.every(connection) == []
    assert actions(database) == []


def test_a_model_config_given_before_anything_is_deployed_waits_for_the_first_deployment(
    database: Database,
) -> None:
    to = service(database)
    assert to.want(ANNA, [CONFIG_ASKED])
    assert not to.want(ANNA, [CONFIG_ASKED])
    to.deploy(ANNA, "churn", "1")
    assert known(database).config == CONFIG


def test_the_first_deploy_is_direct_and_later_ones_use_the_strategy_there_is(database: Database) -> None:
    to = service(database)
    assert to.deploy(ANNA, "churn", "1").spec == DeploymentSpec("churn", "direct", 1)
    to.want(ANNA, [CANARY_ASKED])
    end_rollout(database, Rollout("r", CANARY, 2, 1, "ended"), live=2)
    assert to.deploy(ANNA, "churn", "3").spec == msgspec.structs.replace(CANARY, candidate=3)
    assert to.activate(ANNA, "churn", "1").spec.strategy == "direct"


def test_of_a_split_the_newcomer_takes_the_last_arm(database: Database) -> None:
    to = service(database)
    split = DeploymentSpec("churn", "blue_green", 2, arms=(Arm(1, 9000), Arm(2, 1000)))
    to.want(ANNA, [Asked("deployment", "churn", {}, split)])
    end_rollout(database, Rollout("r", split, 1, 1, "ended"), live=2)
    assert to.deploy(ANNA, "churn", "3").spec.arms == (Arm(2, 9000), Arm(3, 1000))


def test_deploying_what_is_under_way_or_live_changes_nothing_but_after_a_rollback_it_begins_anew(
    database: Database,
) -> None:
    to = service(database)
    first = to.deploy(ANNA, "churn", "1")
    assert to.deploy(ANNA, "churn", "1").generation == first.generation
    end_rollout(database, Rollout("r", first.spec, 1, None, "failed"), live=3)
    assert to.deploy(ANNA, "churn", "1").generation == first.generation + 1


def test_an_unknown_version_is_refused_and_nothing_is_written(database: Database) -> None:
    with pytest.raises(NotFound):
        service(database).deploy(ANNA, "churn", "9")
    assert actions(database) == []


def test_a_wish_without_a_rollout_is_refused_and_with_one_the_last_wish_counts(database: Database) -> None:
    to = service(database)
    to.want(ANNA, [CANARY_ASKED])
    with pytest.raises(Conflict) as refused:
        to.ask(ANNA, "churn", "pause")
    assert refused.value.code == "no-rollout"
    end_rollout(database, Rollout("r", CANARY, 1, 1, "judging"), live=1)
    to.ask(ANNA, "churn", "pause")
    to.ask(Author("bob"), "churn", "rollback")
    with database.reading() as connection:
        kept = found(connection, "default", "churn")
    assert (kept.wish, kept.wished_by, kept.active) == ("rollback", "bob", True)
    assert actions(database)[-2:] == ["rollout.pause", "rollout.rollback"]


def test_deleting_compares_the_generation_and_a_foreign_project_sees_nothing(database: Database) -> None:
    to = service(database)
    to.deploy(ANNA, "churn", "1")
    with pytest.raises(PreconditionFailed):
        to.delete(ANNA, "churn", generation=7)
    with pytest.raises(NotFound):
        to.delete(Author("eve", project="other"), "churn")
    to.delete(ANNA, "churn", generation=1)
    with pytest.raises(NotFound):
        known(database)


def test_changes_at_the_same_time_are_one_after_the_other(database: Database) -> None:
    to = service(database)
    to.deploy(ANNA, "churn", "1")
    specs = [msgspec.structs.replace(CANARY, share=number) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda spec: to.want(ANNA, [Asked("deployment", "churn", {}, spec)]), specs))
    assert known(database).generation == 13
    assert len(actions(database)) == 13


def test_versions_that_callers_could_not_call_alike_are_refused(database: Database) -> None:
    class Changed(Versions):
        def version(self, project: str, model: str, ref: str) -> Version:
            known = super().version(project, model, ref)
            return msgspec.structs.replace(known, contract="other") if known.number == 2 else known

    to = Service(database, Changed(), Clock(), Calls())
    to.deploy(ANNA, "churn", "1")
    end_rollout(database, Rollout("r1", known(database).spec, 1, None, "ended"), live=1)
    with pytest.raises(Conflict) as refused:
        to.want(ANNA, [CANARY_ASKED])
    assert refused.value.code == "contracts-differ"
    assert known(database).spec.candidate == 1


def test_what_the_phase_does_not_know_cannot_be_wished_for(database: Database) -> None:
    to = service(database)
    to.want(ANNA, [CANARY_ASKED])
    end_rollout(database, Rollout("r1", CANARY, 1, 1, "judging"), live=1)
    with pytest.raises(Conflict, match="is judging: there is nothing to resume"):
        to.ask(ANNA, "churn", "resume")
    to.ask(ANNA, "churn", "pause")
    to.ask(ANNA, "churn", "resume")  # the pause is not carried out yet, and this takes its place
