"""Rows that the tests of quantising share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelport.runtimes.batch import Array


@dataclass(frozen=True)
class Digits:
    """Images of digits, the first third for fitting; and the digits they show."""

    seen: Array
    seen_truth: Array
    unseen: Array
    truth: Array


def as_images(rows: Array) -> Array:
    return rows.reshape(-1, 1, 8, 8).astype(np.float32)
