"""Models and versions: pages, search, changes, differences, and what may be taken away."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.registry import bundles
from tests.registry.conftest import Deployed

from modelport.core.signature import Field, Signature
from modelport.core.wishes import ModelChange, NewModel, Registration, VersionChange
from modelport.db.journal import Author
from modelport.errors import BadRequest, Conflict, NameInvalid, NotFound
from modelport.registry.registry import Registry
from modelport.registry.versions import Sought

ANNA = Author("anna")
PLAIN = Registration()


def test_a_model_is_made_and_changed(registry: Registry) -> None:
    made = registry.create_model(ANNA, NewModel("churn", "who leaves", {"team": "growth"}))
    assert (made.description, made.tags, made.versions, made.latest) == (
        "who leaves", {"team": "growth"}, 0, 0
    )  # fmt: skip
    with pytest.raises(Conflict) as caught:
        registry.create_model(ANNA, NewModel("churn"))
    assert caught.value.code == "model-exists"
    changed = registry.change_model(ANNA, "churn", ModelChange(tags={"team": "shop"}))
    assert (changed.description, changed.tags) == ("who leaves", {"team": "shop"})
    assert registry.model("default", "churn") == changed
    with pytest.raises(NotFound):
        registry.change_model(ANNA, "fraud", ModelChange(description="x"))
    with pytest.raises(NotFound):
        registry.version("default", "churn", "latest")


def test_models_are_found_by_text_and_tags_a_page_at_a_time(registry: Registry) -> None:
    for number in range(9):
        even = "yes" if number % 2 == 0 else "no"
        tags = {"even": even, "team": "growth"}
        registry.create_model(ANNA, NewModel(f"model-{number}", f"Number {number} of 100%", tags))
    registry.create_model(Author("eve", "elsewhere"), NewModel("model-x"))
    names, cursor = [], None
    while True:
        page = registry.models("default", limit=4, cursor=cursor)
        names += [model.name for model in page.items]
        if (cursor := page.next) is None:
            break
    assert names == [f"model-{number}" for number in range(9)]
    found = registry.models("default", text="NUMBER", tags={"even": "yes", "team": "growth"})
    assert [model.name for model in found.items] == [f"model-{number}" for number in (0, 2, 4, 6, 8)]
    assert [model.name for model in registry.models("default", text="l-7").items] == ["model-7"]
    assert len(registry.models("default", text="100%").items) == 9
    for nothing in ("1000%", "_umber", "' OR 1=1 --"):
        assert registry.models("default", text=nothing).items == ()
    assert registry.models("default", tags={"even": "maybe"}).items == ()
    with pytest.raises(NameInvalid):
        registry.models("default", tags={"x\"]') --": "y"})
    with pytest.raises(BadRequest):
        registry.models("default", cursor="nonsense!")


def test_versions_are_found_by_metrics_and_tags_the_newest_first(registry: Registry, tmp_path: Path) -> None:
    for number in range(1, 8):
        evidence = {"evaluation.json": {"accuracy": 0.5 + number / 20, "loss": 1 / number}}
        tags = {"odd": "yes" if number % 2 else "no"}
        registry.register(
            ANNA, "churn", bundles.made(tmp_path / "new", number, evidence=evidence, tags=tags), PLAIN
        )
    page = registry.versions("default", "churn", limit=5)
    assert [version.number for version in page.items] == [7, 6, 5, 4, 3]
    rest = registry.versions("default", "churn", limit=5, cursor=page.next)
    assert ([version.number for version in rest.items], rest.next) == ([2, 1], None)
    sought = Sought({"odd": "yes"}, {"accuracy": 0.7}, {"loss": 0.2})
    assert [v.number for v in registry.versions("default", "churn", sought=sought).items] == [7, 5]
    unknown = Sought(at_least={"recall": 0})
    assert registry.versions("default", "churn", sought=unknown).items == ()
    with pytest.raises(NotFound):
        registry.versions("default", "fraud")


def test_what_people_say_of_a_version_changes_and_the_rest_stays(registry: Registry, tmp_path: Path) -> None:
    first, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 1), PLAIN)
    registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 2), Registration(label="2.0.0"))
    changed = registry.change_version(
        ANNA, "churn", "1", VersionChange("1.0.0", {"reviewed": "yes"}, {"accuracy": 0.9})
    )
    assert (changed.label, changed.tags, changed.metrics) == ("1.0.0", {"reviewed": "yes"}, {"accuracy": 0.9})
    assert (changed.identity, changed.artifact, changed.created) == (
        first.identity,
        first.artifact,
        first.created,
    )
    assert registry.change_version(ANNA, "churn", "1.0.0", VersionChange("1.0.0")).label == "1.0.0"
    with pytest.raises(Conflict):
        registry.change_version(ANNA, "churn", "1", VersionChange("2.0.0"))
    with pytest.raises(BadRequest):
        registry.change_version(ANNA, "churn", "1", VersionChange(metrics={"accuracy": float("nan")}))
    with pytest.raises(NameInvalid):
        registry.change_version(ANNA, "churn", "1", VersionChange(tags={"<script>": "x"}))
    assert registry.version("default", "churn", "1") == changed


def test_what_differs_between_two_versions_is_told_by_place(registry: Registry, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    registry.register(
        ANNA, "churn", bundles.made(folder, 1, evidence={"evaluation.json": {"loss": 2}}), PLAIN
    )
    other = Signature("vector", (Field("input", "FP64", (-1, 3)),), bundles.VECTOR.outputs)
    registry.register(ANNA, "churn", bundles.made(folder, 2, signature=other, batch_size=8), PLAIN)
    found = {change.path: change for change in registry.diff("default", "churn", "1", "latest")}
    assert {"contract", "identity", "manifest/steps", "manifest/signature/inputs"} <= set(found)
    assert (found["metrics/loss"].kind, found["metrics/loss"].before) == ("removed", 2.0)
    batch = found["manifest/parameters/batch_size"]
    assert (batch.kind, batch.after) == ("created", 8)  # 256 is what it is where nothing is said
    assert registry.diff("default", "churn", "1", "v1") == ()


def test_a_number_is_never_given_twice(registry: Registry, tmp_path: Path) -> None:
    for factor in (1, 2, 3):
        registry.register(ANNA, "churn", bundles.made(tmp_path / "new", factor), PLAIN)
    registry.delete_version(ANNA, "churn", "3")
    assert (registry.model("default", "churn").latest, registry.model("default", "churn").versions) == (2, 2)
    again, made = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 3), PLAIN)
    assert (again.number, made) == (4, True)
    registry.delete_model(ANNA, "churn")
    with pytest.raises(NotFound):
        registry.model("default", "churn")
    anew, _ = registry.register(ANNA, "churn", bundles.made(tmp_path / "new", 3), PLAIN)
    assert anew.number == 5


def test_what_is_deployed_or_has_an_alias_is_not_deleted(
    registry: Registry, tmp_path: Path, deployed: Deployed
) -> None:
    for factor in (1, 2, 3):
        registry.register(ANNA, "churn", bundles.made(tmp_path / "new", factor), PLAIN)
    deployed.numbers = {1}
    registry.set_alias(ANNA, "churn", "champion", "2")
    for ref, code in (("1", "version-deployed"), ("2", "version-aliased")):
        with pytest.raises(Conflict) as caught:
            registry.delete_version(ANNA, "churn", ref)
        assert caught.value.code == code
    with pytest.raises(Conflict):
        registry.delete_model(ANNA, "churn")
    assert registry.model("default", "churn").versions == 3
    registry.delete_version(ANNA, "churn", "3")
    deployed.numbers = set()
    registry.delete_alias(ANNA, "churn", "champion")
    registry.delete_model(ANNA, "churn")
