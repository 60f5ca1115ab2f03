"""What wrk prints becomes numbers; numbers of paired rounds become ratios; ratios are held against aims."""

from __future__ import annotations

import pytest
from benchmarks.aims import Aim, Measure, judge
from benchmarks.failure import BenchmarkError
from benchmarks.figures import figure
from benchmarks.load import parse, ratios, script, spread
from hypothesis import given
from hypothesis import strategies as st

REPORT = """Running 6s test @ http://127.0.0.1:18500
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  411.32us  12.01ms   91.20%
    Req/Sec    31.87k     1.21k   34.02k    76.67%
  Latency Distribution
     50%  980.00us
     75%    1.10ms
     90%    1.31ms
     99%    1.80ms
  190437 requests in 6.00s, 48.12MB read
Requests/sec:  31735.88
Transfer/sec:      8.02MB
"""


def test_rate_and_latency_are_read_in_requests_per_second_and_milliseconds() -> None:
    seen = parse(REPORT)
    assert (seen.requests, seen.rate, seen.failed) == (190437, 31735.88, 0)
    assert (seen.p50, seen.p99) == pytest.approx((0.98, 1.80))


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("980.00us", 0.98), ("1.25s", 1250.0), ("1.50m", 90_000.0)]
)
def test_every_unit_of_latency_is_understood(text: str, milliseconds: float) -> None:
    assert parse(REPORT.replace("1.80ms", text)).p99 == pytest.approx(milliseconds)


def test_refused_requests_and_socket_errors_count_as_failed() -> None:
    errors = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n"
    assert parse(REPORT.replace("Requests/sec", errors + "Requests/sec")).failed == 15


def test_a_report_without_percentiles_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="no report"):
        parse("unable to connect to 127.0.0.1:18500 Connection refused")


def test_one_body_is_a_static_request_and_several_are_sent_in_turn() -> None:
    assert "function" not in script([b"{}"], "/infer", {})
    assert "request = function()" in script([b"{}", b"[]"], "/infer", {})


def test_quotes_and_backslashes_survive_in_the_script() -> None:
    assert r'wrk.body = "{\"text\":\"a\\nb\"}"' in script([rb'{"text":"a\nb"}'], "/infer", {"x-key": "k"})


def test_ratios_pair_the_rounds() -> None:
    seen = ratios([100.0, 60.0, 200.0], [10.0, 10.0, 10.0])
    assert (seen.median, seen.low, seen.high) == (10.0, 6.0, 20.0)


def test_rounds_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9))
def test_a_median_lies_between_smallest_and_largest(values: list[float]) -> None:
    seen = spread(values)
    assert seen.low <= seen.median <= seen.high


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9))
def test_a_subject_is_once_as_fast_as_itself(values: list[float]) -> None:
    assert ratios(values, values) == spread([1.0] * len(values))


RATE = Aim("twice as fast", Measure("ours", "req/s"), Measure("theirs", "req/s"), ">=", 2.0)
MEMORY = Aim("small", Measure("ours", "MB"), None, "<=", 120.0)


def test_an_aim_is_met_by_the_median_over_rounds() -> None:
    series = {"ours": {"req/s": [30.0, 10.0, 25.0], "MB": [121.0]}, "theirs": {"req/s": [10.0, 10.0, 10.0]}}
    assert judge(RATE, series).met is True
    assert judge(MEMORY, series).met is False


def test_an_aim_whose_peer_was_left_out_is_neither_met_nor_missed() -> None:
    outcome = judge(RATE, {"ours": {"req/s": [30.0]}})
    assert (outcome.reached, outcome.met) == (None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01244, "0.0124"), (1.8, "1.8"), (46.52, "46.5"), (684.2, "684"), (81_500.4, "81,500")],
)
def test_figures_are_printed_with_three_digits_or_whole(value: float, text: str) -> None:
    assert figure(value) == text
