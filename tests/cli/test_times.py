"""Moments and spans as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from modelport.cli.times import Since, ago, lasting, moment


def read(text: str) -> float:
    return Since().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("30min", 1800),
        ("1h", 3600),
        ("1.5h", 5400),
        ("7d", 604_800),
        ("2w", 1_209_600),
    ],
)
def test_a_span_is_counted_back_from_now(text: str, seconds: float) -> None:
    assert read(text) == pytest.approx(datetime.now(UTC).timestamp() - seconds, abs=5)


def test_a_time_without_a_zone_is_utc() -> None:
    wanted = datetime(2027, 1, 31, 8, tzinfo=UTC).timestamp()
    assert read("2027-01-31T08:00") == wanted
    assert read("2027-01-31T09:00+01:00") == wanted
    assert read("2027-01-31") == wanted - 8 * 3600


@pytest.mark.parametrize("text", ["", "soon", "1y", "-1h", "2027-13-01"])
def test_what_is_neither_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(click.BadParameter, match="such as 1h"):
        read(text)


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")]
)
def test_spans_are_said_in_the_largest_unit_that_fits_twice(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


def test_a_moment_that_never_was_is_said_so() -> None:
    assert ago(0.0, 100.0) == "never"
    assert ago(40.0, 100.0) == "60 s ago"
    assert len(moment(0.0)) == len("2027-01-31 08:00:00")
