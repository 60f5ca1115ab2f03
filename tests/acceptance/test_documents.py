"""Every word of a `model_config`, from the text that people write to what callers of a replica see.

The control plane reads the text and plans; a real replica serves the plan. What moves the traffic between
versions is in tests/simulation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import post, request
from tests.acceptance.served import Served, serve
from tests.control.documents.registered import Registered

from modelport.bundle.reader import open_bundle
from modelport.control import planner
from modelport.control.documents import read, resolve
from modelport.core.deployment import Deployment, DeploymentSpec, ModelConfig
from modelport.core.plan import Revision, ServingPlan
from modelport.core.records import Version
from modelport.core.rollout import Rollout
from modelport.serving.settings import Settings
from modelport.testing.replica import publish

TEXT = """
models:
  - name: texts
    parameters: {confidence_threshold: 0.999, batch_size: 2, max_tokens: 3}
    scaling: {min_instances: 2, max_instances: 2}
    validation:
      max_length: 60
      strip_html: true
      collapse_whitespace: true
      allowed_pattern: "[a-z ]+"
      denied_patterns: ["forbidden"]
  - name: numbers
    scaling: {min_instances: 0, max_instances: 4, auto_scale: true}
    validation: {ranges: {mean radius: [0, 20]}}
deployments:
  - {model: byuser, strategy: ab, traffic_split: {v1: 50, v2: 50}}
  - {model: byrequest, strategy: ab, traffic_split: {v1: 50, v2: 50}, sticky: request}
"""
NAMES, SPLIT = ("texts", "numbers"), ("byuser", "byrequest")


def planned(bundles: dict[str, str]) -> ServingPlan:
    """The plan of all models as they are wanted above, the experiments under way."""
    labels = {**{name: [None] for name in NAMES}, **{name: [None, None] for name in SPLIT}}
    found = {name: open_bundle(Path(path)) for name, path in bundles.items() if name in labels}
    versions = [
        Version(name, number, opened.identity, name, 0, parameters=opened.manifest.parameters)
        for name, opened in found.items()
        for number in range(1, len(labels[name]) + 1)
    ]
    deployments, rollouts = [], {}
    for each in resolve(read(TEXT), Registered(labels=labels)):
        spec, config = DeploymentSpec(each.name, "direct", 1), ModelConfig()
        if isinstance(each.resolved, ModelConfig):
            config = each.resolved
        else:
            spec = each.resolved
            rollouts[each.name] = Rollout("01J", spec, 1, 1, phase="judging")
        deployments.append(Deployment(each.name, spec, 1, config=config, live=1, rollout="01J"))
    known = {version.id: version for version in versions}
    return planner.plan(deployments, rollouts, known, Revision(1, 1), locate=bundles.__getitem__)


@pytest.fixture(scope="module")
def one(bundles: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("documents")
    copies = {name: dummy(folder / f"{name}.bundle", name) for name in SPLIT}
    plan = publish(folder / "plan.json", planned(bundles | copies))
    good = post("/v1/models/texts/predict", {"input": "free pills"})
    with serve(folder, Settings(plan=plan, port=0, preload=False), good) as served:
        yield served


def texts(one: Served, item: object, **parameters: Any) -> Any:
    """The answer of the model of texts."""
    document = {"input": item, "parameters": parameters}
    return one.ask(post("/v1/models/texts/predict", document)).json()


def test_a_confidence_threshold_marks_answers_below_it_and_a_callers_own_goes_before_it(one: Served) -> None:
    assert texts(one, "free pills")["below_threshold"] is True
    assert texts(one, "free pills", confidence_threshold=0.01)["below_threshold"] is False


def test_no_batch_has_more_rows_than_batch_size(one: Served) -> None:
    def counted() -> tuple[int, int]:
        [told] = one.ask(request("GET", "/v2/models/texts/stats")).json()["model_stats"]
        return told["inference_count"], told["execution_count"]

    rows, batches = counted()
    assert len(texts(one, ["free pills"] * 6)["results"]) == 6
    assert counted() == (rows + 6, batches + 3)


def test_model_input_is_cut_behind_max_tokens_and_the_answer_says_so(one: Served) -> None:
    cut = texts(one, "free pills now meet me", return_probabilities=True)
    same = texts(one, "free pills now", return_probabilities=True)
    assert cut["truncated"] is True
    assert "truncated" not in same
    assert cut["probabilities"] == same["probabilities"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("x" * 61, "text-too-long"), ("Free", "allowed-pattern"), ("a forbidden word", "denied-pattern")],
)
def test_a_text_that_a_rule_refuses_is_told_which_and_where(one: Served, text: str, code: str) -> None:
    answer = one.ask(post("/v1/models/texts/predict", {"input": ["free pills", text]})).json()
    good, bad = answer["results"]
    assert good["prediction"] == "spam"
    assert (bad["index"], bad["error"]["code"]) == (1, code)


@pytest.mark.parametrize(
    ("text", "rule"), [("free <b>pills</b>", "strip_html"), ("  free \n pills ", "collapse_whitespace")]
)
def test_a_text_that_a_rule_cleans_is_answered_and_the_answer_says_so(
    one: Served, text: str, rule: str
) -> None:
    answer = texts(one, text, return_probabilities=True)
    assert answer["notes"] == [rule]
    assert answer["probabilities"] == texts(one, "free pills", return_probabilities=True)["probabilities"]


def test_a_number_outside_its_range_is_refused(one: Served, item: list[float]) -> None:
    answer = one.ask(post("/v1/models/numbers/predict", {"input": [99.0, *item[1:]]}))
    assert answer.status == 422
    assert "mean radius" in answer.body.decode()


def test_the_fewest_instances_are_there_from_the_start_and_of_none_when_one_is_asked_for(
    one: Served, item: list[float]
) -> None:
    [endpoint] = one.ask(request("GET", "/v2/models/texts/config")).json()["instance_group"]
    assert endpoint["count"] == 2
    assert one.metric("modelport_model_loaded", model="texts") == 1
    assert one.metric("modelport_model_loaded", model="numbers") == 0
    assert one.ask(post("/v1/models/numbers/predict", {"input": item})).status == 200
    assert one.metric("modelport_model_loaded", model="numbers") == 1


def test_a_user_stays_at_one_version_by_header_or_parameter_unless_requests_are_split(one: Served) -> None:
    def versions(model: str, user: str) -> set[int]:
        named = [
            post(f"/v1/models/{model}/predict", {"input": [1.0, 2.0]}, **{"x-user-id": user}),
            post(f"/v1/models/{model}/predict", {"input": [1.0, 2.0], "parameters": {"user_id": user}}),
        ]
        return {one.ask(each).json()["version"] for each in named for _ in range(6)}

    each = [versions("byuser", f"u{number}") for number in range(12)]
    assert {len(found) for found in each} == {1}
    assert set.union(*each) == {1, 2}
    assert versions("byrequest", "u1") == {1, 2}
