"""What an apply changes is told as rows, in the words of the documents."""

from __future__ import annotations

from tests.control.documents.registered import CHURN

from modelport.control.documents import becoming, changes, read, resolve
from modelport.core.deployment import DeploymentSpec, ModelConfig
from modelport.core.sights import Change


def test_each_key_that_differs_is_a_row() -> None:
    before = {"a": 1, "b": {"c": 1, "d": 2}, "e": [1], "same": 0}
    after = {"a": 2, "b": {"c": 1, "f": 3}, "e": [1, 2], "same": 0}
    assert changes("x", before, after) == (
        Change("x.a", "changed", 1, 2),
        Change("x.b.d", "removed", 2, None),
        Change("x.b.f", "created", None, 3),
        Change("x.e", "changed", [1], [1, 2]),
    )


def test_a_whole_document_is_one_row() -> None:
    assert changes("x", None, {"a": 1}) == (Change("x", "created", None, {"a": 1}),)
    assert changes("x", {"a": 1}, None) == (Change("x", "removed", {"a": 1}, None),)
    assert changes("x", {"a": 1}, {"a": 1}) == (Change("x", "unchanged", {"a": 1}, {"a": 1}),)
    assert changes("x", None, None) == ()


def test_true_is_not_one() -> None:
    assert [row.kind for row in changes("x", {"a": 1}, {"a": True})] == ["changed"]


def test_a_dry_run_tells_what_would_change() -> None:
    text = "deployment: {strategy: canary, model: churn, version: 2, canary_percentage: 5, keep_warm: 90s}"
    (asked,) = resolve(read(text), CHURN)
    assert becoming(asked, CHURN.deployed["churn"]) == (
        Change("deployment/churn.strategy", "changed", "direct", "canary"),
        Change("deployment/churn.version", "changed", 1, 2),
        Change("deployment/churn.steps", "created", None, [5, 100]),
        Change("deployment/churn.keep_warm", "created", None, "90s"),
    )


def test_asking_again_for_the_same_changes_nothing() -> None:
    text = "model_config: {name: churn, parameters: {batch_size: 4}}\n---\n"
    text += "deployment: {strategy: direct, version: 1}"
    asked = resolve(read(text), CHURN)
    assert [row.kind for each in asked for row in becoming(each, each.resolved)] == ["unchanged", "unchanged"]
    assert becoming(asked[0], None)[0].kind == "created"
    assert isinstance(asked[0].resolved, ModelConfig)
    assert isinstance(asked[1].resolved, DeploymentSpec)
