"""Histogram gradient boosting: every loss, missing values, categories, and what training never saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelport.compile.sample import Sample
from modelport.compile.sklearn.adopt import adopt

Hold = Callable[[Any, Any], str]
Holes = Callable[[Any, float], Any]

PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
TUMOURS, MALIGNANT = load_breast_cancer(return_X_y=True)
WINE = load_wine(as_frame=True)
LOSSES = ["squared_error", "absolute_error", "gamma", "poisson", "quantile"]


def _holds(model: Any, rows: Any, hold: Hold) -> str:
    sample = Sample.of(rows)
    return hold(adopt(model, sample), sample.batch)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_missing_values(loss: str, holes: Holes, first_that_holds: Hold) -> None:
    rows = holes(PATIENTS, 0.1)
    model = HistGradientBoostingRegressor(loss=loss, quantile=0.8, max_iter=20).fit(rows, PROGRESS)
    assert _holds(model, rows, first_that_holds) != "none"


def test_thresholds_between_two_float32_values_need_float64(first_that_holds: Hold) -> None:
    """The diabetes columns are so finely spread that float32 sends rows down the wrong branch."""
    model = HistGradientBoostingRegressor(max_iter=20).fit(PATIENTS, PROGRESS)
    assert _holds(model, PATIENTS, first_that_holds) == "float64"


@pytest.mark.parametrize("target", [WINE.target, WINE.target == 1], ids=["three", "two"])
def test_classes_with_missing_values(target: Any, holes: Holes, first_that_holds: Hold) -> None:
    rows = holes(WINE.data, 0.15)
    model = HistGradientBoostingClassifier(max_iter=20).fit(rows, target)
    assert _holds(model, rows, first_that_holds) != "none"


def test_gaps_that_training_never_saw(holes: Holes, first_that_holds: Hold) -> None:
    model = HistGradientBoostingClassifier(max_iter=20).fit(TUMOURS, MALIGNANT)
    assert _holds(model, holes(TUMOURS, 0.1), first_that_holds) != "none"


def _tumour_categories() -> Any:
    """Two measured columns cut into numbered bins; the one has 60, more than a 32-bit word holds."""
    rows = TUMOURS[:, :6].copy()
    rows[:, 2] = np.digitize(rows[:, 2], np.quantile(rows[:, 2], np.linspace(0, 1, 60)))
    rows[:, 4] = np.round(rows[:, 4] * 100) % 7
    return rows


@pytest.mark.parametrize("share", [0.0, 0.15])
def test_numbered_categories(share: float, holes: Holes, first_that_holds: Hold) -> None:
    rows = holes(_tumour_categories(), share)
    classifier = HistGradientBoostingClassifier(max_iter=30, categorical_features=[2, 4]).fit(rows, MALIGNANT)
    regressor = HistGradientBoostingRegressor(max_iter=30, categorical_features=[2, 4]).fit(
        rows, TUMOURS[:, 7]
    )
    assert _holds(classifier, rows, first_that_holds) != "none"
    assert _holds(regressor, rows, first_that_holds) != "none"


def test_an_unknown_category_counts_as_missing(first_that_holds: Hold) -> None:
    rows = _tumour_categories()
    model = HistGradientBoostingClassifier(max_iter=30, categorical_features=[2, 4]).fit(rows, MALIGNANT)
    strange = rows.copy()
    strange[::3, 2] = 777
    strange[1::3, 4] = -1
    assert _holds(model, strange, first_that_holds) != "none"


def _wine_categories(holes: Holes) -> pd.DataFrame:
    data = WINE.data
    table = pd.DataFrame(
        {
            "colour": pd.cut(data.color_intensity, 6, labels=list("abcdef")).astype(str),
            "alcohol": holes(data[["alcohol"]], 0.15)["alcohol"],
            "hue": pd.cut(data.hue, 3, labels=["low", "mid", "high"]).astype(str),
            "proline": data.proline.astype(int),
        }
    )
    for name in ("colour", "hue"):
        table[name] = holes(table[[name]], 0.1)[name].astype("category")
    return table


@pytest.mark.parametrize("target", [WINE.target, WINE.target == 1], ids=["three", "two"])
def test_pandas_categories_with_missing_texts(target: Any, holes: Holes, first_that_holds: Hold) -> None:
    table = _wine_categories(holes)
    model = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5).fit(table, target)
    assert _holds(model, table, first_that_holds) != "none"


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_on_pandas_categories(loss: str, holes: Holes, first_that_holds: Hold) -> None:
    table = _wine_categories(holes)
    model = HistGradientBoostingRegressor(loss=loss, quantile=0.3, max_iter=20).fit(
        table, WINE.data.magnesium
    )
    assert _holds(model, table, first_that_holds) != "none"


def test_pandas_categories_that_training_never_saw(holes: Holes, first_that_holds: Hold) -> None:
    table = _wine_categories(holes)
    model = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5).fit(table, WINE.target)
    table["colour"] = table["colour"].cat.rename_categories({"a": "never seen"})
    assert _holds(model, table, first_that_holds) != "none"


def test_as_the_last_step_of_a_pipeline(first_that_holds: Hold) -> None:
    model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=20)).fit(
        TUMOURS, MALIGNANT
    )
    assert _holds(model, TUMOURS, first_that_holds) != "none"
