"""One piece of memory that all processes of a replica see: how its model hosts fare.

A row of unsigned 64-bit cells belongs to one host process, which writes how it fares, or to one seat, in
which the supervisor counts what happened to its hosts. The supervisor gives rows out and takes them back.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque

ROWS = 1024
"""Most hosts and seats at a time."""

# Written by the host.
PID, BEAT, BUSY, CALLS = range(4)
"""Its process; monotonic nanoseconds of its last sign of life, and since when it runs a batch (0: it does
not); calls it was given."""
# Written by the supervisor: of a host.
RESIDENT, DOOM = 4, 5
"""Bytes of its memory; why it is about to be killed."""
# Written by the supervisor: of a seat.
RESTARTS, HUNG, BLOATED, RECYCLED, LOOPING = COUNTED = range(6, 11)
# Written by the host.
WAITING = 11
"""Nanoseconds that the calls which wait there are predicted to wait."""
TOGETHER = 12
"""Calls in the batch that runs, or was run last."""
CELLS = 16

# Why a host is killed.
CRASHED, HANGS, GROWS, STALLS, LATE = range(5)


class Board:
    """The memory as one process sees it. `fd` is inherited by workers and hosts."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._map = mmap.mmap(fd, ROWS * CELLS * 8)
        self._cells = memoryview(self._map).cast("Q")
        self._free = deque(range(ROWS))

    @classmethod
    def create(cls) -> Board:
        """A fresh board of zeros, without a name that anyone else could open."""
        fd = os.memfd_create("modelport-hosts")
        os.ftruncate(fd, ROWS * CELLS * 8)
        return cls(fd)

    def get(self, row: int, cell: int) -> int:
        """One cell."""
        return self._cells[row * CELLS + cell]

    def put(self, row: int, cell: int, value: int) -> None:
        """Set a cell."""
        self._cells[row * CELLS + cell] = value

    def add(self, row: int, cell: int, amount: int = 1) -> None:
        """Add to a cell; only ever done by one process."""
        self._cells[row * CELLS + cell] += amount

    def take(self) -> int:
        """A row of zeros, the one that was given back longest ago. Raises `OSError` when there is none."""
        if not self._free:
            raise OSError(errno.ENOSPC, "no room for one more model host")
        row = self._free.popleft()
        for cell in range(CELLS):
            self.put(row, cell, 0)
        return row

    def inherit(self, heir: int, row: int) -> None:
        """What happened to one seat is counted for another from now on: what is counted never goes back."""
        for cell in set(COUNTED) - {LOOPING}:
            self.add(heir, cell, self.get(row, cell))
            self.put(row, cell, 0)

    def give(self, row: int) -> None:
        """A row is not needed any more."""
        self._free.append(row)

    def close(self) -> None:
        """Unmap and close."""
        self._cells.release()
        self._map.close()
        os.close(self.fd)
