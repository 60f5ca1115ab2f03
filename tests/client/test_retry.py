"""Retries never become the load that keeps a server down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelport.client.retry import Budget, Retries, back_off

shares = st.sampled_from([0.0, 0.05, 0.1, 0.25, 1.0])


@given(st.lists(st.booleans(), max_size=400), shares, st.integers(0, 5), st.integers(1, 12))
def test_retries_stay_within_reserve_plus_share(
    wishes: list[bool], share: float, reserve: int, capacity: int
) -> None:
    """True is a request, False somebody wanting a retry: at every moment the bound holds."""
    budget = Budget(Retries(share=share, reserve=reserve, capacity=capacity))
    requests = retries = 0
    for is_request in wishes:
        if is_request:
            budget.earn()
            requests += 1
        else:
            retries += budget.spend()
        assert retries <= reserve + share * requests + 1e-9


def test_ten_percent_is_reached_exactly_and_not_passed() -> None:
    budget = Budget(Retries(share=0.1, reserve=0))
    granted = 0
    for _ in range(1000):
        budget.earn()
        granted += budget.spend()
    assert granted == 100


def test_quiet_times_save_no_more_than_the_capacity() -> None:
    budget = Budget(Retries(capacity=10))
    for _ in range(100_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) == 10


@given(st.integers(1, 2000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 60))
def test_a_back_off_lies_between_what_was_asked_and_that_plus_the_cap(
    attempt: int, drawn: float, asked: float | None
) -> None:
    retries = Retries(base=0.05, cap=2.0)
    wait = back_off(retries, attempt, asked, lambda: drawn)
    assert (asked or 0.0) <= wait <= (asked or 0.0) + min(2.0, 0.05 * 2.0 ** min(attempt - 1, 60))
