"""A boosted model as data, whoever trained it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.converters.lookup import Table
from modelport.compile.sklearn.converters.trees import Tree

Link = Literal["identity", "sigmoid", "softmax", "one-vs-all", "exp", "square", "softplus", "step"]
"""From raw sum to answer: `square` keeps the sign, `softplus` is log(1 + e^x), `step` is 1 above 0."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """A column made of several: a number for every combination of codes.

    Attributes:
        features: the columns crossed, each with its codes.
        thresholds: columns crossed as one bit each: 1 where the number is above.
        sizes: how many values each of these has, `features` first; a code that is unknown is the last.
        values: `[product of sizes]`, the last factor running fastest.
    """

    features: tuple[int, ...]
    thresholds: tuple[tuple[int, float], ...]
    sizes: tuple[int, ...]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Boosted:
    """What a library computes from one row.

    The trees that add to one target are summed, divided by `divisor`, added to its start and sent through the
    link.

    Attributes:
        width: features.
        targets: raw sums.
        start: `[targets]`, added to the sums.
        link: from sums to answers.
        trees: each with the first target it adds to; their features beyond `width` are those of `crossed`.
        slope: what the sum is multiplied by before a sigmoid.
        divisor: what the sums of trees are divided by.
        single: whether the library reads numbers as float32.
        missing: a number that stands for an absent one, beside NaN.
        zero_missing: features in which zero, or what is as near as 1e-35, stands for an absent number.
        whole: features whose numbers are category codes, cut to whole ones.
        floored: whether cutting goes down, so that -0.5 is no category; else towards zero.
        tables: codes of the categories of features that are told by name.
        crossed: columns made of several.
        weights: `[width, targets]` of a linear model, for which absent numbers are zeros; None for trees.
    """

    width: int
    targets: int
    start: npt.NDArray[np.float64]
    link: Link
    trees: tuple[tuple[Tree, int], ...] = ()
    slope: float = 1.0
    divisor: float = 1.0
    single: bool = True
    missing: float = float("nan")
    zero_missing: frozenset[int] = frozenset()
    whole: frozenset[int] = frozenset()
    floored: bool = False
    tables: Mapping[int, Table] = field(default_factory=dict)
    crossed: tuple[Crossed, ...] = ()
    weights: npt.NDArray[np.float64] | None = None
