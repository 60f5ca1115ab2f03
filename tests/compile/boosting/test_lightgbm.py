"""Models of LightGBM on real data answer the same compiled as they do in their library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.errors import Unsupported

Proven = Callable[[Any, Any], Packed]
Holes = Callable[[Any, float], Any]

# LightGBM's scikit-learn wrapper names its columns itself, and scikit-learn then asks for them.
pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")

TUMOURS, MALIGNANT = load_breast_cancer(return_X_y=True)
WINES, CULTIVARS = load_wine(return_X_y=True)
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
DIGITS, FIGURES = (each[:400] for each in load_digits(return_X_y=True))

SMALL: dict[str, Any] = {"n_estimators": 12, "random_state": 0, "n_jobs": 1, "verbose": -1}
BAGGED: dict[str, Any] = {"bagging_freq": 1, "bagging_fraction": 0.6}
EAGER: dict[str, Any] = {"min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 2}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"boosting_type": "dart"},
        {"boosting_type": "rf", **BAGGED},
        {"data_sample_strategy": "goss"},
        {"extra_trees": True, "path_smooth": 1.0},
        {"sigmoid": 2.5, "is_unbalance": True},
    ],
    ids=str,
)
def test_lightgbm_tells_two_classes_apart(options: dict[str, Any], proven: Proven) -> None:
    named = np.array(["benign", "malignant"])[MALIGNANT]
    packed = proven(lightgbm.LGBMClassifier(**SMALL, **options).fit(TUMOURS, named), TUMOURS)
    assert packed.manifest.labels == ("benign", "malignant")


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_lightgbm_tells_several_classes_apart(
    objective: str, share: float, holes: Holes, proven: Proven
) -> None:
    rows = holes(WINES, share)
    proven(lightgbm.LGBMClassifier(objective=objective, **SMALL).fit(rows, CULTIVARS), rows)


def test_lightgbm_tells_ten_figures_apart(proven: Proven) -> None:
    proven(lightgbm.LGBMClassifier(**SMALL).fit(DIGITS, FIGURES), DIGITS)


@pytest.mark.parametrize(
    "objective",
    ["regression", "regression_l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"],
)
def test_every_objective_of_lightgbm_with_missing_values(
    objective: str, holes: Holes, proven: Proven
) -> None:
    rows = holes(PATIENTS, 0.15)
    proven(lightgbm.LGBMRegressor(objective=objective, **SMALL).fit(rows, PROGRESS), rows)


@pytest.mark.parametrize(
    "options", [{"reg_sqrt": True}, {"boosting_type": "rf", **BAGGED}], ids=["root", "forest"]
)
def test_other_regressors_of_lightgbm(options: dict[str, Any], proven: Proven) -> None:
    proven(lightgbm.LGBMRegressor(**SMALL, **options).fit(PATIENTS, PROGRESS), PATIENTS)


@pytest.mark.parametrize("objective", ["cross_entropy", "cross_entropy_lambda"])
def test_shares_are_predicted(objective: str, proven: Proven) -> None:
    data = lightgbm.Dataset(PATIENTS, PROGRESS / 400)
    proven(lightgbm.train({"objective": objective, "verbose": -1}, data, 12), PATIENTS)


@pytest.mark.parametrize(
    ("options", "filled"),
    [({}, False), ({"use_missing": False}, False), ({"zero_as_missing": True}, True)],
    ids=["unseen", "unused", "zero"],
)
def test_what_stands_for_missing(options: dict[str, Any], filled: bool, holes: Holes, proven: Proven) -> None:
    """NaN that training never saw is zero; without missing values it always is; or zero is missing itself."""
    rows = holes(TUMOURS, 0.2)
    trained = np.nan_to_num(rows) if filled else TUMOURS
    model = lightgbm.LGBMClassifier(**SMALL, **options).fit(trained, MALIGNANT)
    near = np.where(np.isnan(rows), 1e-36, rows) if filled else rows
    proven(model, near)


def test_a_model_stopped_early_answers_with_its_best_iteration_even_when_it_is_copied(proven: Proven) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=80, learning_rate=0.5, verbose=-1, random_state=0, n_jobs=1)
    stop = lightgbm.early_stopping(3, verbose=False)
    model.fit(TUMOURS[:300], MALIGNANT[:300], eval_X=TUMOURS[300:], eval_y=MALIGNANT[300:], callbacks=[stop])
    assert model.best_iteration_ < 80
    proven(model, TUMOURS)
    proven(model.booster_, TUMOURS)
    proven(VotingClassifier([("a", model)], voting="soft").fit(TUMOURS, MALIGNANT), TUMOURS)


@pytest.mark.parametrize("objective", ["binary", "multiclass"])
def test_a_booster_of_lightgbm_without_a_wrapper(objective: str, proven: Proven) -> None:
    parameters: dict[str, Any] = {"objective": objective, "verbose": -1}
    if objective == "multiclass":
        parameters["num_class"] = 3
    rows, target = (WINES, CULTIVARS) if "num_class" in parameters else (TUMOURS, MALIGNANT)
    proven(lightgbm.train(parameters, lightgbm.Dataset(rows, target), 6), rows)


def test_a_ranker_of_lightgbm_answers_scores(proven: Proven) -> None:
    relevance = np.clip(PROGRESS // 80, 0, 4).astype(int)
    model = lightgbm.LGBMRanker(**SMALL).fit(PATIENTS, relevance, group=[13] * 34)
    assert proven(model, PATIENTS).manifest.task == "regression"


def _categories() -> pd.DataFrame:
    """Tumours with three columns of categories: texts, tens, and steps in order, some absent."""
    texts = pd.cut(TUMOURS[:, 1], 20).astype(str)
    numbers = np.digitize(TUMOURS[:, 2], np.quantile(TUMOURS[:, 2], np.linspace(0, 1, 40))) * 10
    table = pd.DataFrame({"mean radius": TUMOURS[:, 0], "texture": texts, "size": numbers})
    table = table.astype({"texture": "category", "size": "category"})
    steps = pd.Series(pd.cut(TUMOURS[:, 4], 4, labels=list("wxyz")))
    table["step"] = steps.where(np.random.default_rng(0).random(len(table)) > 0.1)
    return table


@pytest.mark.parametrize("classes", [2, 3])
def test_categories_of_lightgbm_are_told_by_name(classes: int, proven: Proven) -> None:
    table = _categories()
    target = (TUMOURS[:, 5] * 40).astype(int) % classes
    packed = proven(lightgbm.LGBMClassifier(**SMALL, **EAGER).fit(table, target), table)
    assert [field.name for field in packed.manifest.signature.inputs] == list(table.columns)


def test_rows_of_lightgbm_from_a_file_have_plain_columns(proven: Proven) -> None:
    table = _categories()[["mean radius", "texture", "size"]]
    model = lightgbm.LGBMClassifier(**SMALL, **EAGER).fit(table, MALIGNANT)
    proven(model, table.astype({"texture": str, "size": int}))


def test_numbered_categories_of_lightgbm_are_cut_to_whole_numbers(proven: Proven) -> None:
    table = _categories()
    rows = np.column_stack([table["mean radius"], table["texture"].cat.codes, table["size"].cat.codes])
    model = lightgbm.LGBMClassifier(**SMALL, **EAGER)
    model.fit(rows, MALIGNANT, categorical_feature=[1, 2])
    strange = rows.astype(float)
    strange[::5, 1] = [900, -3, 2.5, np.nan, -0.5, *strange[25::5, 1]]
    proven(model, strange)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: CalibratedClassifierCV(model, cv=3),
        lambda model: VotingClassifier(
            [("a", model), ("b", LogisticRegression(max_iter=5000))], voting="soft"
        ),
        lambda model: StackingClassifier([("a", model), ("b", LogisticRegression(max_iter=5000))], cv=3),
    ],
    ids=["pipeline", "calibrated", "voting", "stacking"],
)
def test_lightgbm_inside_other_estimators(wrap: Callable[[Any], Any], proven: Proven) -> None:
    model = wrap(lightgbm.LGBMClassifier(**SMALL)).fit(TUMOURS[:, :8], MALIGNANT)
    proven(model, TUMOURS[:, :8])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lightgbm.LGBMRegressor(linear_tree=True, **SMALL), "linear trees"),
        (lightgbm.LGBMClassifier(objective=lambda y, p: (p - y, np.ones_like(p)), **SMALL), "of your own"),
    ],
    ids=["equations", "own objective"],
)
def test_what_has_no_exact_form_is_refused(model: Any, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        pack(model.fit(TUMOURS, MALIGNANT), name="boosted", sample=TUMOURS)


def test_a_model_of_lightgbm_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        pack(lightgbm.LGBMClassifier(), name="boosted", sample=TUMOURS)
    assert caught.value.code == "not-fitted"
