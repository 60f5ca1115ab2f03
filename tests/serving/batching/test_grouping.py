"""Rows share a batch where that is cheaper than answering each by itself, and nowhere else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from modelport.serving.batching.grouping import Bounds, choose
from modelport.serving.batching.shapecost import LENGTHS, ShapeCost, length_step

BOUNDS = Bounds(32, 16_384)


class Known:
    """A cost that is a formula."""

    def __init__(self, seconds: Callable[[int, int], float]) -> None:
        self.predict = seconds


def padded(rows: int, length: int) -> float:
    """A processor: every token costs, padding too."""
    return 0.0001 + 0.0003 * rows * length


def launched(rows: int, length: int) -> float:
    """An accelerator: starting costs, rows hardly do."""
    return 0.005 + 1e-7 * rows * length


waiting_rows = st.dictionaries(st.sampled_from(LENGTHS[:18]), st.integers(1, 40), min_size=1)


@given(waiting_rows, st.randoms(use_true_random=False), st.integers(1, 64), st.integers(1, 20_000))
def test_a_batch_holds_the_first_row_and_keeps_within_its_bounds(
    waiting: dict[int, int], rng: random.Random, rows: int, tokens: int
) -> None:
    first = rng.choice(sorted(waiting))
    for cost in (Known(padded), Known(launched), ShapeCost()):
        taken = choose(first, waiting, cost, Bounds(rows, tokens))
        count, longest = sum(taken.values()), max(taken)
        assert taken[first] >= 1
        assert all(taken[length] <= waiting[length] for length in taken)
        assert count <= rows
        assert count == 1 or count * longest <= tokens


@given(waiting_rows, st.randoms(use_true_random=False))
def test_a_batch_costs_less_than_its_rows_one_by_one(waiting: dict[int, int], rng: random.Random) -> None:
    first = rng.choice(sorted(waiting))
    taken = choose(first, waiting, Known(padded), BOUNDS)
    alone = sum(count * padded(1, length) for length, count in taken.items())
    assert padded(sum(taken.values()), max(taken)) <= alone


def test_long_and_short_rows_do_not_share_a_batch_where_padding_costs() -> None:
    assert choose(8, {8: 1, 192: 31}, Known(padded), BOUNDS) == {8: 1}


def test_everything_that_waits_shares_a_batch_where_rows_are_nearly_free() -> None:
    assert choose(8, {8: 10, 192: 6}, Known(launched), BOUNDS) == {8: 10, 192: 6}


def test_the_longest_rows_come_first_where_not_all_fit() -> None:
    taken = choose(8, {8: 10, 192: 40}, Known(launched), BOUNDS)
    assert taken == {8: 1, 192: 31}


def served(cost_of: Callable[[int, int], float], rows: int = 4_000) -> tuple[float, float, float]:
    """Seconds to answer rows of 5 to 200 tokens while 64 wait: as chosen, one by one, in order of arrival."""
    rng = random.Random(7)
    cost = ShapeCost()
    for shape in ((1, 6), (1, 24), (1, 96), (4, 6), (4, 24)):
        cost.observe(*shape, cost_of(*shape))
    lengths = [rng.randint(5, 200) for _ in range(rows)]
    waiting, chosen = lengths[:64], 0.0
    coming = iter(lengths[64:])
    while waiting:
        taken = choose(
            length_step(waiting[0]), Counter(length_step(length) for length in waiting), cost, BOUNDS
        )
        batch = [length for length in waiting if _goes(taken, length)]
        for length in batch:
            waiting.remove(length)
        seconds = cost_of(len(batch), max(batch))
        cost.observe(len(batch), length_step(max(batch)), seconds * rng.lognormvariate(0, 0.15))
        chosen += seconds
        waiting += [length for length, _ in zip(coming, batch, strict=False)]
    alone = sum(cost_of(1, length) for length in lengths)
    arrived = sum(
        cost_of(len(part), max(part)) for part in (lengths[at : at + 16] for at in range(0, rows, 16))
    )
    return chosen, alone, arrived


def _goes(taken: dict[int, int], length: int) -> bool:
    step = length_step(length)
    taken[step] = taken.get(step, 0) - 1
    return taken[step] >= 0


def test_on_a_processor_choosing_is_as_good_as_one_by_one_and_far_better_than_by_arrival() -> None:
    chosen, alone, arrived = served(padded)
    assert chosen <= 1.02 * alone
    assert arrived >= 1.7 * chosen


def test_on_an_accelerator_choosing_fills_batches() -> None:
    chosen, alone, _ = served(launched)
    assert chosen <= 0.06 * alone
