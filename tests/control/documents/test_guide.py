"""The guide's documents are accepted as they are written, and so are our own of the same shape."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from tests.control.documents.registered import CHURN

from modelport.control.documents import read, resolve
from modelport.core.deployment import Arm, Criteria, DeploymentSpec, ModelConfig, Overrides, Terms
from modelport.core.plan import Scaling
from modelport.errors import InvalidInput

EXAMPLES = Path(__file__).parents[3] / "examples"


def format_of(path: Path) -> Literal["yaml", "json"]:
    return "json" if path.suffix == ".json" else "yaml"


def test_a_split_of_two_versions_sends_the_newer_one_all_traffic_when_it_is_good() -> None:
    text = (EXAMPLES / "blue_green.json").read_text()
    (asked,) = resolve(read(text, "json"), CHURN, model="churn")
    assert asked.resolved == DeploymentSpec(
        "churn",
        "blue_green",
        candidate=2,
        arms=(Arm(1, 2000), Arm(2, 8000)),
        terms=Terms(criteria=Criteria(accuracy=0.9, latency_p95=0.2)),
    )


def test_a_canary_of_one_percentage_has_two_steps() -> None:
    text = (EXAMPLES / "canary.json").read_text()
    (asked,) = resolve(read(text, "json"), CHURN, model="churn", version="2")
    assert asked.resolved == DeploymentSpec(
        "churn",
        "canary",
        candidate=2,
        steps=(1000, 10_000),
        terms=Terms(criteria=Criteria(error_rate=0.01, degradation=0.05)),
    )


def test_a_model_config_of_something_not_deployed_deploys_the_version_it_names() -> None:
    text = (EXAMPLES / "model_config.json").read_text().replace("churn", "document-classifier-v2")
    config, deployment = resolve(read(text, "json"), CHURN)
    assert config.resolved == ModelConfig(Overrides(0.85, 32, 512), Scaling(1, 10, auto_scale=True))
    assert deployment.resolved == DeploymentSpec("document-classifier-v2", "direct", 2)


def test_the_documents_are_the_same_as_yaml() -> None:
    for name in ("canary.json", "blue_green.json"):
        text = (EXAMPLES / name).read_text()
        assert resolve(read(text, "yaml"), CHURN, model="churn") == resolve(
            read(text, "json"), CHURN, model="churn"
        )


@pytest.mark.parametrize("name", ["ab.yaml", "shadow.yaml", "modelport.yaml"])
def test_an_example_can_be_applied(name: str) -> None:
    path = EXAMPLES / name
    assert resolve(read(path.read_text(), format_of(path)), CHURN)


def test_one_file_describes_a_whole_application() -> None:
    asked = resolve(read((EXAMPLES / "modelport.yaml").read_text()), CHURN)
    assert [(each.kind, each.name) for each in asked] == [
        ("model_config", "churn"),
        ("model_config", "spam"),
        ("deployment", "churn"),
        ("deployment", "spam"),
    ]
    canary = asked[2].resolved
    assert isinstance(canary, DeploymentSpec)
    assert (canary.candidate, canary.follows, canary.steps) == (2, "champion", (500, 2500, 10_000))


@pytest.mark.parametrize("name", ["training_config", "drift_monitoring", "data_pipeline"])
def test_documents_of_later_versions_are_known_and_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"line 1, column 1: .* comes with a later version") as caught:
        read(f"{name}: {{enabled: true}}\ndeployment: {{strategy: direct}}")
    assert caught.value.code == "document-later"
