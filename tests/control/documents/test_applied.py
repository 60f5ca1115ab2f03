"""Documents applied to a real registry and a real database of either kind."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.control.shared import ANNA, Calls, Clock
from tests.registry import bundles

from modelport.control.catalog import Shelves
from modelport.control.deployments import Deployments
from modelport.control.documents import Abilities
from modelport.control.uses import Deployed
from modelport.core.wishes import Apply, Registration
from modelport.db.connect import Database
from modelport.errors import InvalidInput
from modelport.registry.registry import Registry
from modelport.storage.local import LocalStore

EXAMPLES = Path(__file__).parents[3] / "examples"


class Rooms(NamedTuple):
    """What a document meets."""

    deployments: Deployments
    registry: Registry


@pytest.fixture
def rooms(database: Database, tmp_path: Path) -> Rooms:
    """Two versions of `churn`, the second its champion, and one of `spam`; nothing is deployed."""
    clock = Clock()
    store = LocalStore(tmp_path / "artifacts")
    registry = Registry(database, store, tmp_path / "downloads", clock, Deployed(clock, Shelves()))
    made = [("churn", 1.0, "1.0.0"), ("churn", 2.0, "2.1.0"), ("spam", 3.0, None)]
    for model, factor, label in made:
        file = bundles.made(tmp_path / "new", factor, label=label, name=model, task="classification")
        registry.register(ANNA, model, file, Registration())
    registry.set_alias(ANNA, "churn", "champion", "2", expected=None)
    return Rooms(Deployments(database, registry, clock, Calls(), target=Abilities()), registry)


def example(name: str, **said: str | bool | None) -> Apply:
    path = EXAMPLES / name
    return Apply(path.read_text(), "json" if path.suffix == ".json" else "yaml", **said)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["canary.json", "modelport.yaml"])
def test_an_example_is_carried_out_once(rooms: Rooms, name: str) -> None:
    """A dry run says what an apply does, the apply does it, and the same again does nothing."""
    dry = rooms.deployments.apply(
        ANNA, example(name, model=None if "model" in name else "churn", dry_run=True)
    )
    assert (dry.applied, {row.kind for row in dry.changes}) == (False, {"created"})
    wish = example(name, model=None if "model" in name else "churn")
    done = rooms.deployments.apply(ANNA, wish)
    assert (done.applied, done.changes) == (True, dry.changes)
    again = rooms.deployments.apply(ANNA, wish)
    assert (again.applied, {row.kind for row in again.changes}) == (False, {"unchanged"})


def test_of_a_file_with_one_fault_nothing_is_carried_out(rooms: Rooms) -> None:
    text = "deployments:\n- {strategy: direct, model: spam}\n- {strategy: direct, model: churn, version: 9}"
    with pytest.raises(InvalidInput, match=r"line 3, column 36: model 'churn' has no version 9: it has 2"):
        rooms.deployments.apply(ANNA, Apply(text))
    assert rooms.deployments.list("default", limit=10, cursor=None).items == ()


def test_a_change_is_told_in_the_words_of_the_document(rooms: Rooms) -> None:
    rooms.deployments.activate(ANNA, "churn", "1")
    told = rooms.deployments.apply(ANNA, example("canary.json", model="churn", version="2", dry_run=True))
    assert [(row.path, row.before, row.after) for row in told.changes][:3] == [
        ("deployment/churn.strategy", "direct", "canary"),
        ("deployment/churn.version", 1, 2),
        ("deployment/churn.steps", None, [10, 100]),
    ]


def test_a_version_is_spelled_as_in_the_registry(rooms: Rooms) -> None:
    """Whatever names a version to the registry names the same one to a document."""
    for word in ("2", "v2", "model_v2", "churn:2", "churn_v2", "latest", "2.1.0", "champion"):
        text = f"deployment: {{strategy: direct, model: churn, version: '{word}'}}"
        rooms.deployments.apply(ANNA, Apply(text))
        found = rooms.deployments.get("default", "churn").spec
        assert found.candidate == rooms.registry.version("default", "churn", word).number == 2
        assert found.follows == ("champion" if word == "champion" else None)


def test_versions_of_a_configuration_are_compared_in_the_words_of_documents(rooms: Rooms) -> None:
    canary = "deployment: {strategy: canary, model: churn, version: 2, %s}"
    terms = (
        "canary_percentage: 5, promotion_criteria: {error_rate: 1%}",
        "steps: [5, 50, 100], keep_warm: 1h",
    )
    rooms.deployments.activate(ANNA, "churn", "1")
    for each in terms:
        rooms.deployments.apply(ANNA, Apply(canary % each))
    told = rooms.deployments.configuration_diff("default", "deployment", "churn", 2, 3)
    assert [(row.path, row.before, row.after) for row in told] == [
        ("deployment/churn.steps", [5, 100], [5, 50, 100]),
        ("deployment/churn.promotion_criteria", {"error_rate": "< 1%"}, None),
        ("deployment/churn.keep_warm", None, "1h"),
    ]
    for size in (8, 16):
        text = f"model_config: {{name: churn, parameters: {{batch_size: {size}}}}}"
        rooms.deployments.apply(ANNA, Apply(text))
    [told_config] = rooms.deployments.configuration_diff("default", "model_config", "churn", 1, 2)
    assert (told_config.path, told_config.after) == ("model_config/churn.parameters.batch_size", 16)


GUIDE = {
    "model_config": """{
  "model_config": {
    "name": "document-classifier-v2",
    "version": "2.1.0",
    "parameters": {"confidence_threshold": 0.85, "batch_size": 32, "max_tokens": 512},
    "scaling": {"min_instances": 1, "max_instances": 10, "auto_scale": true}
  }
}""",
    "A/B testing": """{
  "deployment": {
    "strategy": "blue_green",
    "traffic_split": {"model_v1": 0.2, "model_v2": 0.8},
    "success_criteria": {"accuracy_threshold": 0.9, "latency_p95": "200ms"}
  }
}""",
    "canary": """{
  "deployment": {
    "strategy": "canary",
    "canary_percentage": 10,
    "promotion_criteria": {"error_rate": "< 1%", "performance_degradation": "< 5%"}
  }
}""",
}
"""The guide's documents of these kinds, word for word."""


@pytest.mark.parametrize("text", GUIDE.values(), ids=GUIDE.keys())
def test_the_documents_of_the_guide_are_carried_out_as_they_are_written(
    rooms: Rooms, tmp_path: Path, text: str
) -> None:
    for number, label in ((8.0, "2.0.0"), (9.0, "2.1.0")):
        file = bundles.made(tmp_path / "new", number, label=label, name="x", task="classification")
        rooms.registry.register(ANNA, "document-classifier-v2", file, Registration())
    done = rooms.deployments.apply(ANNA, Apply(text, "json", model="document-classifier-v2"))
    assert done.applied
    spec = rooms.deployments.get("default", "document-classifier-v2").spec
    assert spec.candidate == 2
    assert {row.kind for row in done.changes} == {"created"}
