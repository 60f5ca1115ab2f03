"""Settings that make no sense are refused by name, before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelport.errors import SettingsError
from modelport.serving.checks import LIMIT_RANGES, RANGES, check
from modelport.serving.settings import Limits, Settings

NUMBERS = [(Settings, RANGES), (Limits, LIMIT_RANGES)]


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    (tmp_path / "churn.bundle").mkdir()
    return str(tmp_path / "churn.bundle")


def given(bundle: str, name: str, value: Any) -> Settings:
    """Settings that are fine but for one value."""
    if name in LIMIT_RANGES:
        return Settings(bundles=(bundle,), limits=Limits(**{name: value}))
    return Settings(bundles=(bundle,), **{name: value})


@pytest.mark.parametrize(("kind", "ranges"), NUMBERS)
def test_every_setting_that_is_a_number_has_a_range_that_holds_its_default(
    kind: type[msgspec.Struct], ranges: dict[str, tuple[float, float]]
) -> None:
    numbers = {
        field.name: field.default for field in msgspec.structs.fields(kind) if field.type in {int, float}
    }
    assert set(ranges) == set(numbers)
    assert all(low <= numbers[name] <= high for name, (low, high) in ranges.items())


EDGES = [
    (name, edge) for ranges in (RANGES, LIMIT_RANGES) for name, edges in ranges.items() for edge in edges
]


@pytest.mark.parametrize(("name", "value"), EDGES)
def test_the_ends_of_a_range_are_allowed(bundle: str, name: str, value: float) -> None:
    settings = given(bundle, name, value)
    assert check(settings) is settings


BEYOND = [
    (name, value)
    for ranges in (RANGES, LIMIT_RANGES)
    for name, (lowest, highest) in ranges.items()
    for value in (lowest - 1, highest + 1, float("nan"), float("inf"), -float("inf"))
]


@pytest.mark.parametrize(("name", "value"), BEYOND)
def test_a_value_beyond_its_range_is_refused_by_name(bundle: str, name: str, value: float) -> None:
    with pytest.raises(SettingsError) as refused:
        check(given(bundle, name, value))
    ranges = LIMIT_RANGES if name in LIMIT_RANGES else RANGES
    path = f"limits.{name}" if name in LIMIT_RANGES else name
    lowest, highest = ranges[name]
    assert refused.value.message == f"{path} is {value}, not a number from {lowest:.15g} to {highest:.15g}"
    assert "its default is" in refused.value.hint


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(), "give either bundles, a plan file or a control plane"),
        (Settings(bundles=("a",), plan="b"), "give either bundles, a plan file or a control plane"),
        (Settings(bundles=("a",), host="0.0.0.0"), "refusing to listen on 0.0.0.0 without API keys"),
        (Settings(bundles=("nowhere/a.bundle",)), "'a.bundle' does not exist"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: Settings, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check(settings)
    assert refused.value.message == said
    assert refused.value.hint


def test_a_log_level_that_there_is_not_is_refused_with_those_there_are(bundle: str) -> None:
    with pytest.raises(SettingsError) as refused:
        check(Settings(bundles=(bundle,), log_level="loud"))
    assert "'loud'" in refused.value.message
    assert refused.value.hint == "debug, info, warning, error"
