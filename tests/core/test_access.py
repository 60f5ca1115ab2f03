"""Keys as text and as stored."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.access import (
    LENGTH,
    PREFIX,
    Rate,
    allows,
    check_scope,
    make_key,
    matches,
    parse_key,
    parse_rate,
)
from modelport.errors import SettingsError


def new(*scopes: str) -> tuple[str, object]:
    return make_key("test", scopes, random=secrets.randbelow, now=0.0)


def test_a_key_is_read_back_and_matches_what_was_stored() -> None:
    key, entry = make_key("test", ["infer:*"], random=secrets.randbelow, now=0.0)
    parsed = parse_key(key)
    assert parsed is not None
    assert parsed[0] == entry.id
    assert matches(entry, parsed[1])
    assert not matches(entry, parsed[1][::-1])
    assert (len(key), key.startswith(PREFIX)) == (LENGTH, True)


def test_nothing_stored_tells_the_secret() -> None:
    key, entry = make_key("test", ["infer:*"], random=secrets.randbelow, now=0.0)
    secret = parse_key(key)
    assert secret is not None
    assert secret[1] not in repr(entry)


@given(st.integers(0, LENGTH - 1), st.characters(codec="utf-8"))
def test_a_typo_is_told_without_any_look_up(place: int, char: str) -> None:
    key, _ = new("metrics")
    typed = key[:place] + char + key[place + 1 :]
    assert (parse_key(typed) is None) == (typed != key)


@given(st.text(max_size=100))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert parse_key(text) is None


@pytest.mark.parametrize(
    ("scopes", "needed", "granted"),
    [
        (["infer:churn"], "infer:churn", True),
        (["infer:churn"], "infer:churn2", False),
        (["infer:*"], "infer:churn", True),
        (["infer:*"], "metrics", False),
        (["metrics"], "infer:churn", False),
        (["models:read"], "infer:churn", False),
        (["admin"], "anything", True),
        ([], "metrics", False),
    ],
)
def test_scopes_grant_what_they_name(scopes: list[str], needed: str, granted: bool) -> None:
    assert allows(scopes, needed) is granted


@pytest.mark.parametrize(
    "scope", ["", "infer", "infer:", "infer:a b", "infer:../x", "root", "metrics ", "ADMIN"]
)
def test_a_scope_there_is_not_is_refused(scope: str) -> None:
    with pytest.raises(SettingsError):
        check_scope(scope)


@pytest.mark.parametrize(
    ("text", "rate"), [("100/s", Rate(100, 1)), ("6/m", Rate(6, 60)), ("1/h", Rate(1, 3600))]
)
def test_rates_are_read(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0/s", "-1/s", "1.5/s", "10", "10/d", "1e3/s", "10 /s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_rate(text)
