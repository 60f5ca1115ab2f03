"""The open loop frames answers by their length, and its arrivals have the rate that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.openloop import Job, answer_size, arrivals, encode

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\nx-version: 1\r\n\r\n{'a':1}"
)


def job(**changes: object) -> Job:
    told: dict[str, object] = {
        "port": 1,
        "rate": 1000.0,
        "warm": 1.0,
        "measured": 4.0,
        "headers": (("authorization", "Bearer k"),),
        "paths": ("/a", "/b", "/c"),
        "bodies": ("{}", "[]"),
    }
    return Job(**(told | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_an_answer_is_whole_only_with_its_last_byte(cut: int) -> None:
    size = answer_size(ANSWER[:cut])
    assert size is None or cut < size == len(ANSWER)


def test_the_next_answer_in_the_buffer_is_left_alone() -> None:
    assert answer_size(ANSWER + ANSWER) == len(ANSWER)


def test_arrivals_keep_the_rate_and_end_in_time() -> None:
    due = arrivals(job())
    assert len(due) == pytest.approx(5000, rel=0.05)
    assert due[-1] < 5.0
    assert np.all(np.diff(due) >= 0)


def test_every_path_gets_a_request_and_bodies_take_turns() -> None:
    first, second, third = encode(job())
    assert first.startswith(b"POST /a HTTP/1.1\r\n")
    assert first.endswith(b"content-length: 2\r\n\r\n{}")
    assert second.endswith(b"[]")
    assert third.startswith(b"POST /c ")
    assert b"authorization: Bearer k\r\n" in third
