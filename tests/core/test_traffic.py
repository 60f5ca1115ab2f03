"""Splits are exact, sticky, and independent of each other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from modelport.core.plan import BASIS_POINTS, Share
from modelport.core.traffic import Splitter, point

KEYS = [f"user-{n}" for n in range(20_000)]


@st.composite
def weights(draw: st.DrawFn) -> list[int]:
    """Weights of one to six arms, some of them zero, that sum to all points."""
    cuts = draw(st.lists(st.integers(0, BASIS_POINTS), max_size=5))
    bounds = [0, *sorted(cuts), BASIS_POINTS]
    return [high - low for low, high in pairwise(bounds)]


@given(weights())
def test_every_arm_owns_exactly_its_weight(shares: list[int]) -> None:
    splitter = Splitter([Share(f"m:{at + 1}", weight) for at, weight in enumerate(shares)])
    owned = [0] * len(shares)
    for at in range(BASIS_POINTS):
        owned[splitter.arm(at)] += 1
    assert owned == shares


@given(st.text(), st.text(max_size=20), st.text(max_size=20))
def test_a_key_falls_on_one_point_of_the_line(key: str, endpoint: str, salt: str) -> None:
    assert 0 <= point(key, endpoint, salt) < BASIS_POINTS
    assert point(key, endpoint, salt) == point(key, endpoint, salt)


def test_the_place_of_a_key_is_the_same_for_good() -> None:
    """Another release, machine or replica must not move a user: these are the values of the first release."""
    assert [point(key, "churn", "s1") for key in ("ada", "grace", "")] == [805, 9663, 9621]


def test_a_share_of_ten_percent_gets_ten_percent_of_the_keys() -> None:
    splitter = Splitter([Share("m:1", 9000), Share("m:2", 1000)])
    hit = sum(splitter.arm(point(key, "churn", "")) for key in KEYS)
    assert abs(hit - 2000) < 4 * (20_000 * 0.1 * 0.9) ** 0.5


def test_experiments_with_different_salts_place_users_independently() -> None:
    first = [point(key, "churn", "one") < 5000 for key in KEYS]
    second = [point(key, "churn", "two") < 5000 for key in KEYS]
    both = sum(a and b for a, b in zip(first, second, strict=True))
    assert abs(both - 5000) < 4 * (20_000 * 0.25 * 0.75) ** 0.5


def test_raising_a_share_takes_nobody_back() -> None:
    """A canary that grows keeps the users it has: arms are cut from the same line."""
    small = Splitter([Share("m:1", 9500), Share("m:2", 500)])
    large = Splitter([Share("m:1", 7500), Share("m:2", 2500)])
    points = [point(key, "churn", "") for key in KEYS]
    assert all(large.arm(at) for at in points if small.arm(at))
