"""Turns at a SQLite file: in the order people came, over threads and processes, whoever gives up or dies."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelport.db.turn import Turns

HOLDER = """
import sys, time
from pathlib import Path
from modelport.db.turn import Turns
with Turns(Path(sys.argv[1])).taken(10):
    print("taken", flush=True)
    time.sleep(60)
"""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Crowd:
    """Threads that want turns, one after the other, and note in which order they got them."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.threads: list[threading.Thread] = []

    def come(self, turns: Turns, name: str) -> None:
        """Stand in the line; if it is the first of its process, in the kernel's queue."""
        thread = threading.Thread(target=self._want, args=(turns, name), daemon=True)
        before = len(turns._line)
        thread.start()
        until(lambda: len(turns._line) > before and turns._queued | turns._ours)
        self.threads.append(thread)

    def end(self) -> list[str]:
        for thread in self.threads:
            thread.join(30)
        return self.got

    def _want(self, turns: Turns, name: str) -> None:
        with turns.taken(30):
            self.got.append(name)


def test_threads_have_their_turns_in_the_order_they_came(tmp_path: Path) -> None:
    turns, crowd = Turns(tmp_path / "a.db"), Crowd()
    with turns.taken(1):
        for number in range(8):
            crowd.come(turns, str(number))
    assert crowd.end() == list("01234567")


def test_a_process_with_many_threads_holds_up_no_other(tmp_path: Path) -> None:
    many, one, crowd = Turns(tmp_path / "a.db"), Turns(tmp_path / "a.db"), Crowd()
    with many.taken(1):
        crowd.come(one, "other")
        until(lambda: waiting(tmp_path / "a.db-turn") == 1)
        for number in range(8):
            crowd.come(many, str(number))
    assert crowd.end() == ["other", *"01234567"]


def waiting(file: Path) -> int:
    """How many wait for a lock, as the kernel tells."""
    end = f":{file.stat().st_ino} 0 EOF"
    return sum("->" in line and line.endswith(end) for line in Path("/proc/locks").read_text().splitlines())


def test_who_waits_too_long_begins_without_a_turn_and_nobody_loses_his(tmp_path: Path) -> None:
    before = threading.active_count()
    mine, other = Turns(tmp_path / "a.db"), Turns(tmp_path / "a.db")
    with mine.taken(1):
        for turns in (mine, other, other):
            with turns.taken(0.01):
                assert mine._ours
                assert not other._ours
        assert threading.active_count() <= before + 1  # one stands in the queue for all who gave up
    for turns in (mine, other, mine):
        with turns.taken(30):
            assert turns._ours


def test_the_turn_of_a_killed_process_goes_on(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "a.db")]
    turns = Turns(tmp_path / "a.db")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "taken\n"
        with turns.taken(0.01):
            assert not turns._ours
        holder.send_signal(signal.SIGKILL)
        with turns.taken(30):
            assert turns._ours


def test_what_is_raised_in_a_turn_ends_it(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "a.db")
    with pytest.raises(RuntimeError), turns.taken(1):
        raise RuntimeError
    assert not turns._ours
    assert not turns._line


def test_without_a_folder_for_its_files_threads_still_take_turns(tmp_path: Path) -> None:
    turns, crowd = Turns(tmp_path / "none" / "a.db"), Crowd()
    with turns.taken(1):
        crowd.come(turns, "next")
    assert crowd.end() == ["next"]
