"""Turns to write to a SQLite file: first come, first served, among all threads and processes of a machine.

SQLite's own waiting looks ever more seldom, so of many writers those who came last win, and one may wait for
ever. Here the kernel keeps the queue: flock(2) on files beside the database, of which a killed process lets
go. A turn decides the order and nothing else. The right to write is SQLite's own (BEGIN IMMEDIATE), so no
program that knows nothing of turns, and no process that is stopped in its turn, does harm.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Turns:
    """The turns at one file. Thread-safe; a thread that has its turn must not ask for another.

    Threads of this process stand in a line; who is first in it has a place in the kernel's queue. Where no
    file can be made or locked the threads have their order, and processes wait as SQLite does.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self._ours = self._queued = False
        self._place: _Place | None = None

    @contextmanager
    def taken(self, seconds: float) -> Iterator[None]:
        """Ours from when all who came before have had their turns to the end of the block.

        After so many seconds the block begins without one: somebody may hold his turn and do nothing.
        """
        me = object()
        with self._changed:
            self._line.append(me)
        try:
            self._wait(me, seconds)
            yield
        finally:
            self._leave(me)

    def _wait(self, me: object, seconds: float) -> None:
        with self._changed:
            self._ask()
            if not self._changed.wait_for(lambda: self._ours and self._line[0] is me, seconds):
                self._line.remove(me)

    def _leave(self, me: object) -> None:
        """Give the turn on; our next thread comes after other processes."""
        with self._changed:
            if me not in self._line:
                return
            had_turn = self._ours and self._line[0] is me
            self._line.remove(me)
            if had_turn:
                self._let_go()
                self._ask()

    def _ask(self) -> None:
        """Get a turn for the first in the line: at once, or waited for in a thread.

        flock knows no deadline, so whoever waits here may leave; the thread stays, and serves who is first
        when the turn comes.
        """
        if not self._line or self._ours or self._queued:
            return
        try:
            place = _Place(self._file)
        except OSError:  # what is wrong with its folder SQLite says of the database itself
            self._got(None)
            return
        if place.is_ours():
            self._got(place)
        else:
            threading.Thread(target=self._queue, args=(place,), name="turn", daemon=True).start()
            self._queued = True

    def _queue(self, place: _Place) -> None:
        place.wait()
        with self._changed:
            self._queued = False
            self._got(place)
            if not self._line:
                self._let_go()

    def _got(self, place: _Place | None) -> None:
        self._place, self._ours = place, True
        self._changed.notify_all()

    def _let_go(self) -> None:
        place, self._place, self._ours = self._place, None, False
        if place is not None:
            place.leave()


class _Place:
    """A place in the queue of all processes; raises `OSError` where there can be none.

    The lock of who is next is taken first, and held until the lock of the turn is there. The end of a turn
    only wakes who is next; but whoever comes before he is awake finds that somebody is next already, and
    cannot be quicker.
    """

    def __init__(self, file: Path) -> None:
        self._next = os.open(file.with_name(f"{file.name}-next"), _FLAGS, 0o600)
        try:
            self._turn = os.open(file.with_name(f"{file.name}-turn"), _FLAGS, 0o600)
        except OSError:
            os.close(self._next)
            raise

    def is_ours(self) -> bool:
        """Take the turn if nobody has it and nobody is next; else keep what came of it, and `wait`."""
        if not (_locked(self._next) and _locked(self._turn)):
            return False
        os.close(self._next)
        return True

    def wait(self) -> None:
        """Take the turn when it comes, however long that takes."""
        fcntl.flock(self._next, fcntl.LOCK_EX)
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        os.close(self._next)

    def leave(self) -> None:
        """Let the next one have the turn."""
        os.close(self._turn)


def _locked(descriptor: int) -> bool:
    """Lock it, unless another has it; a file system without locks keeps nobody waiting."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
