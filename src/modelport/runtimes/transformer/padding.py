"""Rows of different lengths into rectangles that waste little."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from modelport.runtimes.batch import Ragged

Integers = npt.NDArray[np.int64]

TOKENS = 512
"""Most tokens of one rectangle, with the filling. A larger one leaves the processor's caches and fills up
more (decision 12 has the measurements), and its attention takes memory with the square of its width."""


def runs(lengths: Integers, most: int = TOKENS) -> Iterator[Integers]:
    """The places of all rows in runs of like length: rectangles of at most `most` tokens, or one row."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    for place in range(1, len(order) + 1):
        if place == len(order) or (place - start + 1) * max(1, int(lengths[order[place]])) > most:
            yield order[start:place]
            start = place


def padded(rows: Ragged, places: Integers, pad: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """The rows at `places` filled up to the longest with `pad`, and where their own tokens stand.

    At least one token wide: a graph has no rows without tokens.
    """
    starts = rows.offsets[places]
    lengths = rows.offsets[places + 1] - starts
    across = np.arange(max(1, int(lengths.max(initial=0))))
    own = across < lengths[:, None]
    filled = np.full(own.shape, pad, np.int64)
    filled[own] = rows.values[(starts[:, None] + across)[own]]
    return filled, own
