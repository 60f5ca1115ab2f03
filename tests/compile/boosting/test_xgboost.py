"""Models of XGBoost on real data answer the same compiled as they do in their library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_linnerud, load_wine
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.errors import Unsupported

Proven = Callable[[Any, Any], Packed]
Holes = Callable[[Any, float], Any]

TUMOURS, MALIGNANT = load_breast_cancer(return_X_y=True)
WINES, CULTIVARS = load_wine(return_X_y=True)
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
ATHLETES, BODIES = load_linnerud(return_X_y=True)
DIGITS, FIGURES = (each[:400] for each in load_digits(return_X_y=True))

SMALL: dict[str, Any] = {"n_estimators": 12, "random_state": 0, "n_jobs": 1}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"objective": "binary:hinge"},
        {"booster": "dart", "rate_drop": 0.3},
        {"booster": "gblinear"},
        {"grow_policy": "lossguide", "max_leaves": 9},
        {"max_depth": 12, "scale_pos_weight": 3, "base_score": 0.2},
    ],
    ids=str,
)
def test_xgboost_tells_two_classes_apart(options: dict[str, Any], proven: Proven) -> None:
    packed = proven(xgboost.XGBClassifier(**SMALL, **options).fit(TUMOURS, MALIGNANT), TUMOURS)
    assert packed.manifest.labels == (0, 1)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_xgboost_tells_several_classes_apart(
    objective: str, share: float, holes: Holes, proven: Proven
) -> None:
    rows = holes(WINES, share)
    proven(xgboost.XGBClassifier(objective=objective, **SMALL).fit(rows, CULTIVARS), rows)


def test_xgboost_tells_ten_figures_apart(proven: Proven) -> None:
    proven(xgboost.XGBClassifier(**SMALL).fit(DIGITS, FIGURES), DIGITS)


@pytest.mark.parametrize(
    "objective",
    [
        "reg:squarederror",
        "reg:absoluteerror",
        "reg:pseudohubererror",
        "reg:squaredlogerror",
        "reg:gamma",
        "reg:tweedie",
        "count:poisson",
        "survival:cox",
    ],
)
def test_every_objective_of_xgboost_with_missing_values(objective: str, holes: Holes, proven: Proven) -> None:
    rows = holes(PATIENTS, 0.15)
    proven(xgboost.XGBRegressor(objective=objective, **SMALL).fit(rows, PROGRESS), rows)


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBRegressor(objective="reg:quantileerror", quantile_alpha=np.array([0.1, 0.9]), **SMALL),
        xgboost.XGBRFRegressor(**SMALL),
        xgboost.XGBRegressor(booster="gblinear", **SMALL),
    ],
    ids=["quantiles", "forest", "linear"],
)
def test_other_regressors_of_xgboost(model: Any, proven: Proven) -> None:
    proven(model.fit(PATIENTS, PROGRESS), PATIENTS)


def test_a_share_is_predicted_by_its_logit(proven: Proven) -> None:
    model = xgboost.XGBRegressor(objective="reg:logistic", **SMALL).fit(PATIENTS, PROGRESS / 400)
    proven(model, PATIENTS)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_xgboost_answers_several_numbers(strategy: str, proven: Proven) -> None:
    packed = proven(xgboost.XGBRegressor(multi_strategy=strategy, **SMALL).fit(ATHLETES, BODIES), ATHLETES)
    assert packed.manifest.signature.outputs[0].shape == (-1, 3)


def test_xgboost_answers_several_labels(proven: Proven) -> None:
    both = np.column_stack([MALIGNANT, TUMOURS[:, 0] > 14])
    packed = proven(xgboost.XGBClassifier(**SMALL).fit(TUMOURS[:, 2:], both), TUMOURS[:, 2:])
    assert packed.manifest.task == "multilabel"


def test_a_ranker_answers_scores(proven: Proven) -> None:
    groups = np.repeat(np.arange(34), 13)
    model = xgboost.XGBRanker(**SMALL).fit(PATIENTS, np.clip(PROGRESS // 80, 0, 4), qid=groups)
    assert proven(model, PATIENTS).manifest.task == "regression"


def test_a_number_may_stand_for_missing(holes: Holes, proven: Proven) -> None:
    rows = np.nan_to_num(holes(TUMOURS, 0.15), nan=-1.0)
    proven(xgboost.XGBClassifier(missing=-1, **SMALL).fit(rows, MALIGNANT), rows)


def test_an_estimator_stopped_early_answers_with_its_best_rounds_and_its_booster_with_all(
    proven: Proven,
) -> None:
    model = xgboost.XGBClassifier(n_estimators=150, early_stopping_rounds=3, random_state=0)
    model.fit(TUMOURS[:300], MALIGNANT[:300], eval_set=[(TUMOURS[300:], MALIGNANT[300:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    proven(model, TUMOURS)
    proven(model.get_booster(), TUMOURS)


@pytest.mark.parametrize(
    "objective", ["binary:logistic", "binary:logitraw", "multi:softprob", "multi:softmax"]
)
def test_a_booster_without_a_wrapper(objective: str, proven: Proven) -> None:
    parameters: dict[str, Any] = {"objective": objective}
    if objective.startswith("multi"):
        parameters["num_class"] = 3
    rows, target = (WINES, CULTIVARS) if "num_class" in parameters else (TUMOURS, MALIGNANT)
    proven(xgboost.train(parameters, xgboost.DMatrix(rows, target), 6), rows)


def _categories(target: Any = None) -> Any:
    """Tumours with two columns of categories: texts, and tens."""
    texts = pd.cut(TUMOURS[:, 1], 20).astype(str)
    numbers = np.digitize(TUMOURS[:, 2], np.quantile(TUMOURS[:, 2], np.linspace(0, 1, 40))) * 10
    table = pd.DataFrame({"radius": TUMOURS[:, 0], "texture": texts, "size": numbers})
    return table.astype({"texture": "category", "size": "category"})


@pytest.mark.parametrize("one_hot", [1, 1000], ids=["sets", "one-hot"])
def test_categories_of_xgboost_are_told_by_name_and_unseen_ones_are_refused(
    one_hot: int, proven: Proven
) -> None:
    table = _categories()
    model = xgboost.XGBClassifier(enable_categorical=True, max_cat_to_onehot=one_hot, **SMALL)
    packed = proven(model.fit(table, MALIGNANT), table)
    texture = packed.manifest.signature.inputs[1]
    assert (texture.dtype, texture.closed) == ("BYTES", True)
    assert set(texture.categories) == set(table["texture"].cat.categories)


def test_rows_from_a_file_have_plain_columns(proven: Proven) -> None:
    table = _categories()
    model = xgboost.XGBClassifier(enable_categorical=True, **SMALL).fit(table, MALIGNANT)
    proven(model, table.astype({"texture": str, "size": int}))


def test_numbered_categories_are_cut_to_whole_numbers(proven: Proven) -> None:
    table = _categories()
    rows = np.column_stack([table["radius"], table["texture"].cat.codes, table["size"].cat.codes]).astype(
        float
    )
    model = xgboost.XGBClassifier(
        enable_categorical=True, feature_types=["q", "c", "c"], max_cat_to_onehot=1, **SMALL
    )
    model.fit(rows, MALIGNANT)
    strange = rows.copy()
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
        lambda model: make_pipeline(make_column_transformer((StandardScaler(), [0, 3, 7])), model),
    ],
    ids=["pipeline", "calibrated", "voting", "stacking", "columns"],
)
def test_xgboost_inside_other_estimators(wrap: Callable[[Any], Any], proven: Proven) -> None:
    model = wrap(xgboost.XGBClassifier(**SMALL)).fit(TUMOURS[:, :8], MALIGNANT)
    proven(model, TUMOURS[:, :8])


def test_xgboost_behind_encoded_columns_and_a_transformed_target(proven: Proven) -> None:
    table = pd.DataFrame({"sex": np.where(PATIENTS[:, 1] > 0, "f", "m"), "bmi": PATIENTS[:, 2]})
    columns = make_column_transformer((OneHotEncoder(), ["sex"]), remainder="passthrough")
    model = make_pipeline(columns, xgboost.XGBRegressor(**SMALL))
    grown = TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1).fit(table, PROGRESS)
    proven(grown, table)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (xgboost.XGBClassifier(objective="binary:logitraw", **SMALL), "no probabilities"),
        (xgboost.XGBClassifier(objective=lambda y, p: (p - y, np.ones_like(p)), **SMALL), "of your own"),
    ],
    ids=["margins", "own objective"],
)
def test_a_classifier_without_probabilities_is_refused(model: Any, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        pack(model.fit(TUMOURS, MALIGNANT), name="boosted", sample=TUMOURS)


def test_a_model_that_is_not_fitted_is_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        pack(xgboost.XGBClassifier(), name="boosted", sample=TUMOURS)
    assert caught.value.code == "not-fitted"
