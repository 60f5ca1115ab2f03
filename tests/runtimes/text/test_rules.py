"""Patterns of input rules meet strangers' texts, so they are judged before."""

from __future__ import annotations

import re
from typing import Any

import pytest

from modelport.compile.arguments import parameters_of
from modelport.core.manifest import Parameters, Validation
from modelport.core.patterns.judged import patterns
from modelport.core.patterns.slow import slow
from modelport.errors import BundleRefused, SettingsError
from modelport.serving.codecs.rules import Rules

SLOW = [
    {"allowed_pattern": r"(\w+\s?)+"},
    {"allowed_pattern": r"(a|b|ab)*c"},
    {"denied_patterns": (r"(a+)+$",)},
    {"denied_patterns": (r"fine", r"(?:a|Ab?)*c")},
    {"allowed_pattern": r"(\w)+\1"},
]
GOOD = [
    {"allowed_pattern": r"[A-Za-z0-9 .,!?'-]+"},
    {"allowed_pattern": r"\d{5}(?:-\d{4})?"},
    {"allowed_pattern": r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+"},
    {"allowed_pattern": r"(?i)[a-z]+"},
    {"denied_patterns": (r"\b\d{16}\b", r"ignore (all )?previous", r"<script")},
]


@pytest.mark.parametrize("rules", SLOW)
def test_a_pattern_that_a_text_could_keep_busy_is_refused_when_packing_and_when_loading(
    rules: dict[str, Any],
) -> None:
    with pytest.raises(SettingsError) as packing:
        parameters_of({"validation": rules})
    with pytest.raises(SettingsError):
        parameters_of(Parameters(validation=Validation(**rules)))
    with pytest.raises(BundleRefused) as loading:
        Rules(Validation(**rules))
    assert packing.value.code == loading.value.code == "slow-pattern"
    assert next(iter(rules)) in packing.value.message


@pytest.mark.parametrize("rules", GOOD)
def test_patterns_that_people_use_are_taken(rules: dict[str, Any]) -> None:
    assert parameters_of({"validation": rules}).validation == Validation(**rules)
    Rules(Validation(**rules))


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "[z-a]"])
def test_what_is_no_regular_expression_is_told(pattern: str) -> None:
    with pytest.raises(SettingsError) as packing:
        parameters_of({"validation": {"denied_patterns": [pattern]}})
    with pytest.raises(BundleRefused) as loading:
        Rules(Validation(allowed_pattern=pattern))
    assert packing.value.code == loading.value.code == "bad-pattern"


def test_case_counts_only_where_it_is_ignored() -> None:
    assert slow("(?:a|Ab?)*c") == ""
    assert slow("(?:a|Ab?)*c", re.IGNORECASE)
    assert patterns(Validation(denied_patterns=("Secret",))).denied[0].search("SECRET")


def test_a_match_of_the_whole_text_may_fail_where_it_goes_on() -> None:
    """A search ends with its first match; a match of the whole tries again for the characters behind."""
    assert slow("\\w+") == slow("\\w+", whole=True) == ""
    assert slow("a*a*") == ""
    assert slow("a*a*", whole=True)
