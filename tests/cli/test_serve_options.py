"""What `modelport serve` reads from its options."""

from __future__ import annotations

import pytest

from modelport.cli.serve import parse_limits, parse_split
from modelport.errors import ModelportError, SettingsError


def test_a_split_is_read_per_model() -> None:
    assert parse_split("churn:1=90,churn:2=10, spam:1=100") == {"churn": {1: 90, 2: 10}, "spam": {1: 100}}
    assert parse_split("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "churn=90",
        "churn:1=90",
        "churn:1=50,churn:1=50",
        "churn:x=100",
        "churn:1",
        "churn:1=9.5",
        "../x:1=100",
    ],
)
def test_a_split_that_makes_no_sense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ModelportError) as caught:
        parse_split(text)
    assert caught.value.hint


def test_limits_are_read_by_name() -> None:
    limits = parse_limits(["json_bytes=1024", "idle_seconds=2.5"])
    assert (limits.json_bytes, limits.idle_seconds) == (1024, 2.5)
    assert parse_limits([]).rows == 65_536


@pytest.mark.parametrize("text", ["jsonbytes=1", "json_bytes=many", "json_bytes", "json_bytes=1.5"])
def test_an_unknown_limit_is_refused_with_the_names_there_are(text: str) -> None:
    with pytest.raises(SettingsError, match="json_bytes, body_bytes"):
        parse_limits([text])
