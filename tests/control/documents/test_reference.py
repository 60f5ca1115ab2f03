"""The page about documents says what the forms say: every key, its default, its meaning."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.control.documents.registered import CHURN

from modelport.control.documents import read, resolve, schema
from modelport.core.deployment import DeploymentSpec, ModelConfig
from modelport.core.manifest import Validation
from modelport.core.plan import Scaling

PAGE = (Path(__file__).parents[3] / "docs/reference/documents.md").read_text("utf-8")
FORMS: dict[str, dict[str, Any]] = {name: form["properties"] for name, form in schema()["$defs"].items()}
DIRECT, SHADOW = FORMS["DirectForm"], FORMS["ShadowForm"]
JUDGED = {key: SHADOW[key] for key in SHADOW if key not in DIRECT and key != "share"}


def own(form: str) -> dict[str, Any]:
    """Keys that a strategy has and no other."""
    return {key: value for key, value in FORMS[form].items() if key not in DIRECT and key not in JUDGED}


SECTIONS = {
    "A file": FORMS["FileForm"],
    "`model_config`": FORMS["ModelConfigForm"],
    "`model_config.parameters`": FORMS["ParametersForm"],
    "`model_config.scaling`": FORMS["ScalingForm"],
    "`model_config.validation`": FORMS["ValidationForm"],
    "`deployment`": DIRECT,
    "`strategy: canary`": own("CanaryForm"),
    "`strategy: blue_green`": own("BlueGreenForm"),
    "`strategy: ab`": own("AbForm"),
    "`strategy: shadow`": own("ShadowForm"),
    "How a rollout is decided": JUDGED,
    "Criteria": FORMS["CriteriaForm"],
}


def rows(title: str) -> dict[str, tuple[str, str]]:
    """Default and meaning by key, as a section's table has them."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([^`]+)` \| [^|]* \| (.*?) \| (.*) \|$", section, re.MULTILINE)
    return {key: (default, meaning) for key, default, meaning in found}


def default_of(value: dict[str, Any]) -> str:
    return f"`{json.dumps(value['default'])}`" if "default" in value else ""


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_lists_every_key_with_its_default_and_meaning(title: str) -> None:
    assert rows(title) == {
        key: (default_of(value), value["description"]) for key, value in SECTIONS[title].items()
    }


def test_the_page_has_a_section_for_every_form_and_no_key_elsewhere() -> None:
    assert set(re.findall(r"^## (.*)$", PAGE, re.MULTILINE)) >= set(SECTIONS)
    everywhere = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("\n## What a test observes")[0], re.MULTILINE)
    assert len(everywhere) == sum(len(section) for section in SECTIONS.values())


def test_the_defaults_written_are_those_that_take_effect() -> None:
    """A document that writes every default comes to the same as one that leaves them out."""
    given = {key: value["default"] for key, value in {**DIRECT, **JUDGED}.items() if "default" in value}
    assert len(given) >= 7
    bare = {"strategy": "canary", "model": "churn", "canary_percentage": 5}
    left, written = (
        resolve(read(json.dumps({"deployment": each}), "json"), CHURN)[0].resolved
        for each in (bare, {**bare, **given})
    )
    assert isinstance(left, DeploymentSpec)
    assert left == written


def test_the_defaults_of_scaling_are_those_that_take_effect() -> None:
    given = {key: value["default"] for key, value in FORMS["ScalingForm"].items() if "default" in value}
    text = json.dumps({"model_config": {"name": "churn", "scaling": given}})
    config = resolve(read(text, "json"), CHURN)[0].resolved
    assert isinstance(config, ModelConfig)
    assert config.scaling == Scaling()


def test_the_input_rules_are_those_of_a_bundle() -> None:
    assert set(FORMS["ValidationForm"]) == set(Validation.__struct_fields__)
