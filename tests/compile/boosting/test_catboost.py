"""Models of CatBoost on real data answer the same compiled as they do in their library."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_linnerud, load_wine
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelport.compile.boosting.city import city64
from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.errors import Unsupported

pytestmark = pytest.mark.extras

Proven = Callable[[Any, Any], Packed]
Holes = Callable[[Any, float], Any]

TUMOURS, MALIGNANT = load_breast_cancer(return_X_y=True)
WINES, CULTIVARS = load_wine(return_X_y=True)
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
ATHLETES, BODIES = load_linnerud(return_X_y=True)
DIGITS, FIGURES = (each[:400] for each in load_digits(return_X_y=True))


@pytest.fixture(scope="module")
def catboost() -> Any:
    return importlib.import_module("catboost")


def small(**options: Any) -> dict[str, Any]:
    return {
        "iterations": 12,
        "verbose": 0,
        "allow_writing_files": False,
        "thread_count": 1,
        "random_seed": 0,
    } | options


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss_function": "CrossEntropy"},
        {"grow_policy": "Lossguide"},
        {"grow_policy": "Depthwise"},
        {"depth": 10, "model_shrink_rate": 0.1},
    ],
    ids=str,
)
def test_catboost_tells_two_classes_apart(options: dict[str, Any], catboost: Any, proven: Proven) -> None:
    proven(catboost.CatBoostClassifier(**small(**options)).fit(TUMOURS, MALIGNANT), TUMOURS)


@pytest.mark.parametrize("loss", ["MultiClass", "MultiClassOneVsAll"])
def test_catboost_tells_several_classes_apart(loss: str, catboost: Any, proven: Proven) -> None:
    named = np.array(["barolo", "grignolino", "barbera"])[CULTIVARS]
    packed = proven(catboost.CatBoostClassifier(**small(loss_function=loss)).fit(WINES, named), WINES)
    assert packed.manifest.labels == ("barbera", "barolo", "grignolino")


def test_catboost_tells_ten_figures_apart(catboost: Any, proven: Proven) -> None:
    proven(catboost.CatBoostClassifier(**small()).fit(DIGITS, FIGURES), DIGITS)


@pytest.mark.parametrize(
    "loss",
    [
        "RMSE",
        "MAE",
        "Quantile:alpha=0.9",
        "LogLinQuantile",
        "Poisson",
        "MAPE",
        "Huber:delta=2",
        "Tweedie:variance_power=1.5",
        "Expectile:alpha=0.3",
    ],
)
def test_every_loss_of_catboost_with_missing_values(
    loss: str, catboost: Any, holes: Holes, proven: Proven
) -> None:
    rows = holes(PATIENTS, 0.15)
    proven(catboost.CatBoostRegressor(**small(loss_function=loss)).fit(rows, PROGRESS), rows)


@pytest.mark.parametrize("loss", ["MultiRMSE", "MultiQuantile:alpha=0.1,0.9"])
def test_catboost_answers_several_numbers(loss: str, catboost: Any, proven: Proven) -> None:
    target = BODIES if loss == "MultiRMSE" else BODIES[:, 0]
    proven(catboost.CatBoostRegressor(**small(loss_function=loss)).fit(ATHLETES, target), ATHLETES)


def test_catboost_answers_several_labels(catboost: Any, proven: Proven) -> None:
    both = np.column_stack([MALIGNANT, TUMOURS[:, 0] > 14])
    model = catboost.CatBoostClassifier(**small(loss_function="MultiLogloss")).fit(TUMOURS[:, 2:], both)
    assert proven(model, TUMOURS[:, 2:]).manifest.task == "multilabel"


@pytest.mark.parametrize("mode", ["Min", "Max"])
def test_missing_numbers_are_below_all_or_above_all(
    mode: str, catboost: Any, holes: Holes, proven: Proven
) -> None:
    rows = holes(TUMOURS, 0.2)
    proven(catboost.CatBoostClassifier(**small(nan_mode=mode)).fit(rows, MALIGNANT), rows)


def test_a_bare_catboost_answers_by_its_loss(catboost: Any, proven: Proven) -> None:
    packed = proven(catboost.CatBoost(small(loss_function="Logloss")).fit(TUMOURS, MALIGNANT), TUMOURS)
    assert packed.manifest.task == "classification"
    proven(catboost.CatBoost(small(loss_function="Poisson")).fit(PATIENTS, PROGRESS), PATIENTS)


def test_a_ranker_of_catboost_answers_scores(catboost: Any, proven: Proven) -> None:
    model = catboost.CatBoostRanker(**small())
    model.fit(PATIENTS, np.clip(PROGRESS // 80, 0, 4), group_id=np.repeat(np.arange(34), 13))
    assert proven(model, PATIENTS).manifest.task == "regression"


def _categories() -> pd.DataFrame:
    """Tumours with two columns of categories, texts and tens, and one with holes."""
    return pd.DataFrame(
        {
            "radius": np.where(TUMOURS[:, 3] > 1200, np.nan, TUMOURS[:, 0]),
            "texture": pd.cut(TUMOURS[:, 1], 6).astype(str),
            "size": np.digitize(TUMOURS[:, 2], np.quantile(TUMOURS[:, 2], np.linspace(0, 1, 8))) * 10,
        }
    )


@pytest.mark.parametrize(
    "options",
    [
        {"one_hot_max_size": 50},
        {"max_ctr_complexity": 1},
        {"max_ctr_complexity": 3, "iterations": 40},
        {"simple_ctr": "Counter", "combinations_ctr": "Counter"},
        {"simple_ctr": ["Buckets", "Borders"]},
        {"simple_ctr": "BinarizedTargetMeanValue", "grow_policy": "Lossguide"},
    ],
    ids=str,
)
def test_categories_of_catboost(options: dict[str, Any], catboost: Any, proven: Proven) -> None:
    """One-hot, target statistics of every kind, also of combinations with each other and with numbers."""
    table = _categories()
    model = catboost.CatBoostClassifier(**small(cat_features=["texture", "size"], **options))
    proven(model.fit(table, MALIGNANT), table)


@pytest.mark.parametrize("target", [TUMOURS[:, 5], CULTIVARS[np.arange(569) % 178]], ids=["number", "three"])
def test_categories_of_catboost_for_other_targets(target: Any, catboost: Any, proven: Proven) -> None:
    table = _categories()
    kind = catboost.CatBoostRegressor if target.dtype.kind == "f" else catboost.CatBoostClassifier
    proven(kind(**small(cat_features=["texture", "size"])).fit(table, target), table)


def test_combinations_are_really_tested(catboost: Any) -> None:
    """The models above do cross categories: else their tables would prove nothing."""
    from modelport.compile.boosting.catboost_native import document_of

    options = small(cat_features=["texture", "size"], max_ctr_complexity=3, iterations=40)
    model = catboost.CatBoostClassifier(**options).fit(_categories(), MALIGNANT)
    elements = [len(ctr["elements"]) for ctr in document_of(model)["features_info"]["ctrs"]]
    assert max(elements) >= 2


@pytest.mark.parametrize("one_hot", [2, 50], ids=["statistics", "one-hot"])
def test_a_sample_that_does_not_show_every_category_is_refused(one_hot: int, catboost: Any) -> None:
    table = _categories()
    model = catboost.CatBoostClassifier(**small(cat_features=["texture", "size"], one_hot_max_size=one_hot))
    with pytest.raises(Unsupported, match="not show") as caught:
        pack(model.fit(table, MALIGNANT), name="boosted", sample=table.iloc[:4])
    assert caught.value.code == "sample-mismatch"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: CalibratedClassifierCV(model, cv=3),
        lambda model: VotingClassifier(
            [("a", model), ("b", LogisticRegression(max_iter=5000))], voting="soft"
        ),
    ],
    ids=["pipeline", "calibrated", "voting"],
)
def test_catboost_inside_other_estimators(wrap: Callable[[Any], Any], catboost: Any, proven: Proven) -> None:
    model = wrap(catboost.CatBoostClassifier(**small())).fit(TUMOURS[:, :8], MALIGNANT)
    proven(model, TUMOURS[:, :8])


def test_a_mean_with_its_variance_is_refused(catboost: Any) -> None:
    model = catboost.CatBoostRegressor(**small(loss_function="RMSEWithUncertainty")).fit(PATIENTS, PROGRESS)
    with pytest.raises(Unsupported, match="variance"):
        pack(model, name="boosted", sample=PATIENTS)


def test_a_model_of_catboost_that_is_not_fitted_is_refused(catboost: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        pack(catboost.CatBoostClassifier(), name="boosted", sample=TUMOURS)
    assert caught.value.code == "not-fitted"


def test_hashes_of_categories_are_catboosts_own(catboost: Any) -> None:
    """Texts of every length that the hash treats in its own way, looked up in one-hot splits."""
    from modelport.compile.boosting.catboost_document import hashed
    from modelport.compile.boosting.catboost_native import document_of

    texts = [
        "",
        "a",
        "ab",
        "abcd",
        "abcdefgh",
        "x" * 9,
        "y" * 16,
        "z" * 17,
        "é" * 16,
        "w" * 40,
        "v" * 64,
        "u" * 200,
    ]
    texts += ["t" * 65, "s" * 128, "r" * 129]
    table = pd.DataFrame({"text": texts * 20})
    target = np.tile(np.arange(len(texts)) * 10.0, 20)
    options = small(iterations=200, depth=3, one_hot_max_size=50, cat_features=["text"])
    document = document_of(catboost.CatBoostRegressor(**options).fit(table, target))
    kept = set(document["features_info"]["categorical_features"][0]["values"])
    assert len(kept) > 10
    assert kept <= {hashed(text) for text in texts}


def test_the_hash_of_nothing_is_its_constant() -> None:
    assert city64(b"") == 0x9AE16A3B2F90404F
