"""Random models on random rows: values at thresholds, floats beside them, zeros and gaps go the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost

from modelport.compile.boosting.boosted import Boosted
from modelport.compile.boosting.estimators import BoostedModel, estimator_of
from modelport.compile.boosting.lightgbm_native import native as lightgbm_native
from modelport.compile.boosting.xgboost_native import native as xgboost_native
from modelport.compile.compiled import Compiled, Outputs
from modelport.compile.sample import Sample
from modelport.compile.sklearn.adopt import adopt
from modelport.runtimes.batch import Batch

Run = Callable[[Compiled, Batch], Outputs]


def _rows(random: np.random.Generator) -> Any:
    """Columns of few values, of many, of tiny ones around zero, and with gaps."""
    count = 400
    columns = [
        random.integers(-3, 4, count).astype(float),
        random.normal(size=count),
        random.normal(size=count) * 1e-36,
        np.round(random.gamma(2.0, size=count), 1),
        random.normal(size=count) * 1e7,
    ]
    rows = np.column_stack(columns)
    rows[random.random(rows.shape) < 0.1] = np.nan
    rows[random.random(rows.shape) < 0.1] = 0.0
    return rows


def _target(rows: Any, random: np.random.Generator) -> Any:
    filled = np.nan_to_num(rows)
    return filled[:, 0] + 2 * (filled[:, 3] > 1.5) + np.sign(filled[:, 2]) + random.normal(size=len(rows)) / 2


def _at_thresholds(boosted: Boosted, rows: Any, random: np.random.Generator) -> Any:
    """Real rows with one cell at a threshold, or at a float beside it, in either width."""
    found = []
    tests = [
        (int(tree.feature[n]), tree.threshold[n])
        for tree, _ in boosted.trees
        for n in np.flatnonzero(~tree.leaf)
    ]
    for feature, cut in tests[:: max(1, len(tests) // 150)]:
        single = np.float32(cut)
        beside = [np.nextafter(cut, side) for side in (-np.inf, np.inf)]
        beside += [float(np.nextafter(single, np.float32(side))) for side in (-np.inf, np.inf)]
        for value in (cut, *beside):
            row = rows[random.integers(len(rows))].copy()
            row[feature] = value
            found.append(row)
    special = rows[:60].copy()
    special[np.arange(60), np.arange(60) % rows.shape[1]] = np.tile(
        [np.nan, 0.0, -0.0, 1e-35, -1e-35, 1e-45], 10
    )
    return np.vstack([found, special])


def _check(estimator: BoostedModel, rows: Any, seed: int, run: Run) -> None:
    sample = Sample.of(rows)
    random = np.random.default_rng(seed)
    cuts = _at_thresholds(estimator.boosted, rows, random)
    adopted = adopt(estimator, sample)
    for candidate, width in zip(adopted.candidates, (np.float32, np.float64), strict=True):
        given = cuts.astype(width).astype(np.float64)
        batch = Batch(len(given), {"input": given})
        want, got = adopted.original(batch), run(candidate.build(), batch)
        np.testing.assert_allclose(got["value"], want["value"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_a_value_at_a_threshold_of_xgboost_goes_the_same_way(seed: int, run: Run) -> None:
    random = np.random.default_rng(seed)
    rows = _rows(random)
    model = xgboost.XGBRegressor(
        n_estimators=int(random.integers(5, 25)),
        max_depth=int(random.integers(1, 8)),
        grow_policy=str(random.choice(["depthwise", "lossguide"])),
        tree_method=str(random.choice(["hist", "exact"])) if seed % 2 else "exact",
        missing=float(random.choice([np.nan, 0.0])),
        n_jobs=1,
    )
    _check(estimator_of(xgboost_native(model.fit(rows, _target(rows, random)))), rows, seed, run)


@pytest.mark.parametrize("seed", range(8))
def test_a_value_at_a_threshold_of_lightgbm_goes_the_same_way(seed: int, run: Run) -> None:
    random = np.random.default_rng(seed)
    rows = _rows(random)
    model = lightgbm.LGBMRegressor(
        n_estimators=int(random.integers(5, 25)),
        num_leaves=int(random.integers(2, 60)),
        zero_as_missing=bool(seed & 1),
        use_missing=bool(seed & 2),
        min_child_samples=5,
        n_jobs=1,
        verbose=-1,
    )
    native = lightgbm_native(model.fit(rows, _target(rows, random)), Sample.of(rows))
    _check(estimator_of(native), rows, seed, run)
