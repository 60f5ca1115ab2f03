"""The laws that the statistics rest on, by exact sums where they can be taken."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import nchypergeom_fisher

from modelport.control.statistics import odds, quantile, rate
from modelport.control.statistics.pair import Pair, Table, conditional
from modelport.control.statistics.split import Split
from modelport.control.statistics.tails import LEAST, Question, Tails
from modelport.core.latency import CELLS, bucket, upper

POINT = st.integers(0, odds.POINTS - 1)
SMALL = st.integers(1, 12)


def law(trials: int, other: int, total: int, index: int) -> dict[int, float]:
    """Chance of each number of hits of the candidate, given all margins, at odds of the grid."""
    fewest, most = max(0, total - other), min(trials, total)
    weights = {
        k: math.comb(trials, k) * math.comb(other, total - k) * math.exp(odds.THETA[index] * (k - fewest))
        for k in range(fewest, most + 1)
    }
    return {k: weight / sum(weights.values()) for k, weight in weights.items()}


@given(SMALL, SMALL, st.data())
def test_each_factor_has_expectation_one_under_its_null(trials: int, other: int, data: st.DataObject) -> None:
    """Whatever the margins are: the rate that both arms share is of no matter."""
    total, null, bet = data.draw(st.integers(0, trials + other)), data.draw(POINT), data.draw(POINT)
    expected = 0.0
    for k, chance in law(trials, other, total, null).items():
        ll = conditional(Table(trials, k, other, total - k))
        expected += chance * math.exp(ll[bet] - ll[null])
    assert expected == pytest.approx(1.0, rel=1e-9)


@given(SMALL, SMALL, st.data())
def test_the_one_sided_e_value_has_expectation_at_most_one_on_all_of_its_null(
    trials: int, other: int, data: st.DataObject
) -> None:
    total, null = data.draw(st.integers(0, trials + other)), data.draw(POINT)
    truth = data.draw(st.integers(0, null))
    tables = {k: conditional(Table(trials, k, other, total - k)) for k in law(trials, other, total, truth)}
    chances = law(trials, other, total, truth)
    assert sum(chances[k] * math.exp(odds.above(ll, null)) for k, ll in tables.items()) <= 1 + 1e-9
    mirrored = law(trials, other, total, odds.POINTS - 1 - truth)
    nulls = odds.POINTS - 1 - null
    assert sum(mirrored[k] * math.exp(odds.below(ll, nulls)) for k, ll in tables.items()) <= 1 + 1e-9


@given(st.integers(1, 30), st.floats(0.001, 0.999), st.floats(0.0, 1.0))
def test_a_rate_within_its_limit_multiplies_the_bet_by_at_most_one(
    trials: int, limit: float, part: float
) -> None:
    truth = limit * part
    chances = [math.comb(trials, k) * truth**k * (1 - truth) ** (trials - k) for k in range(trials + 1)]
    for test in (rate.beyond, rate.far_beyond):
        values = [math.exp(test(trials, k, limit)) if chance else 0.0 for k, chance in enumerate(chances)]
        assert sum(p * e for p, e in zip(chances, values, strict=True)) <= 1 + 1e-9


def test_margins_of_any_size_follow_fishers_noncentral_hypergeometric_law() -> None:
    """Small ones against the law of another library, large ones against the sum taken as a whole."""
    table = Table(40, 9, 300, 21)
    ll = conditional(table)
    for at in (0, 50, 90, 120, odds.POINTS - 1):
        chance = nchypergeom_fisher.logpmf(9, 340, 40, 30, math.exp(odds.THETA[at]))
        even = nchypergeom_fisher.logpmf(9, 340, 40, 30, 1)
        assert ll[at] == pytest.approx(chance - even, abs=1e-8)
    big = Table(20_000, 9_000, 60_000, 29_000)
    k = np.arange(20_001.0)
    ways = -gammaln(k + 1) - gammaln(20_001 - k) - gammaln(38_001 - k) - gammaln(22_001 + k)
    for at in (0, 60, 86, 87, 110, odds.POINTS - 1):
        whole = np.logaddexp.reduce(ways + k * odds.THETA[at]) - np.logaddexp.reduce(ways)
        assert conditional(big)[at] == pytest.approx(9_000 * odds.THETA[at] - whole, abs=1e-6)


@given(st.lists(st.builds(Table, SMALL, st.just(0), SMALL, st.just(0)), min_size=2, max_size=6), st.randoms())
def test_the_order_of_increments_makes_no_difference(tables: list[Table], random: object) -> None:
    filled = [Table(t.trials, t.trials // 2, t.other_trials, t.other_trials // 3) for t in tables]
    there, back = Pair(), Pair()
    for table in filled:
        there = there.add(table)
    for table in reversed(filled):
        back = back.add(table)
    assert there.likelihoods == pytest.approx(back.likelihoods, abs=1e-9)


@given(st.integers(2, 40), st.integers(2, 40), st.data())
def test_one_more_fault_of_the_candidate_never_speaks_for_it(
    trials: int, other: int, data: st.DataObject
) -> None:
    total = data.draw(st.integers(1, trials + other - 1))
    chances = sorted(law(trials, other, total, odds.EVEN))
    values = [odds.above(conditional(Table(trials, k, other, total - k))) for k in chances]
    assert all(less <= more + 1e-9 for less, more in pairwise(values))


def test_increments_wait_until_both_arms_have_trials() -> None:
    waiting = Pair().add(Table(5, 1, 0, 0))
    assert waiting.held == Table(5, 1, 0, 0)
    assert waiting.ll == b""
    assert waiting.add(Table(0, 0, 7, 2)) == Pair().add(Table(5, 1, 7, 2))


@given(st.integers(1, 3000), st.data())
def test_bounds_lie_around_the_estimate_and_agree_with_the_tests(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = rate.bounds(trials, hits, 0.004, 0.01)
    assert low <= hits / trials <= high
    if low > 0:
        assert rate.beyond(trials, hits, low) >= -math.log(0.004) - 1e-9
    if high < 1:
        assert rate.within(trials, hits, high) >= -math.log(0.01) - 1e-9


@given(st.lists(st.integers(0, CELLS - 1), min_size=1, max_size=300))
def test_a_quantile_lies_within_its_bounds(cells: list[int]) -> None:
    found = {cell: cells.count(cell) for cell in cells}
    low, high = quantile.bounds(found, 0.95, 0.01, 0.01)
    value = quantile.value(found, 0.95)
    assert value is not None
    assert low <= value <= high


@settings(max_examples=300)
@given(st.floats(1e-5, 100.0), st.floats(1e-5, 100.0))
def test_a_bucket_with_a_limit_in_it_is_counted_on_the_careful_side(limit: float, seconds: float) -> None:
    at = bucket(int(seconds * 1e9))
    if at > quantile.surely_above(limit):
        assert int(seconds * 1e9) >= int(limit * 1e9)
    if at <= quantile.maybe_above(limit):
        assert seconds < limit
        assert upper(at) <= limit


def test_thresholds_come_from_the_past_alone() -> None:
    """The first latencies only set them; what is compared never chose its own threshold."""
    ask = (Question(0.5, 1.1),)
    some = {bucket(10_000_000): LEAST}
    first = Tails().add(some, some, ask)
    assert first.pairs == {}
    assert first.past == some
    slow = {bucket(30_000_000): LEAST}
    assert odds.above(first.add(slow, some, ask).pair(ask[0]).likelihoods) > math.log(50)


def test_fewer_latencies_than_can_be_compared_wait() -> None:
    some = {3: LEAST - 1}
    waiting = Tails().add(some, {5: 100}, ())
    assert waiting == Tails(candidate=some, other={5: 100})


def test_a_split_that_gives_what_it_was_to_give_is_no_mismatch() -> None:
    """Also when the share changes from step to step."""
    split = Split()
    for share in (500, 2500, 5000):
        split = split.add(share, 10_000, share)
    assert split.mismatch() < 0
    assert Split().add(1600, 10_000, 1000).mismatch() > math.log(1e6)


def test_a_split_is_not_judged_while_its_share_is_unknown_or_whole() -> None:
    assert Split().add(10, 20, None) == Split()
    assert Split().add(20, 20, 10_000) == Split()


@given(st.integers(1, 400), st.data())
def test_what_is_said_to_be_needed_is_enough(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials // 20))
    more = rate.needed(trials, hits, 0.1, 0.01)
    assert more is not None
    times = (trials + more) / trials
    assert odds.below(rate.tilts(trials, hits, 0.1) * times) >= -math.log(0.01) - 1e-6
