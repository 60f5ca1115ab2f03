"""Fitted estimators and pipelines on real data answer the same compiled as they do in Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, LocalOutlierFactor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelport.compile.pack import pack
from modelport.compile.sample import Sample
from modelport.compile.sklearn.adopt import adopt

Hold = Callable[[Any, Any], str]
Holes = Callable[[Any, float], Any]

FLOWERS, SPECIES = load_iris(return_X_y=True)
NAMED = load_iris().target_names[SPECIES]
TUMOURS, MALIGNANT = load_breast_cancer(return_X_y=True)
PATIENTS, PROGRESS = load_diabetes(return_X_y=True)
ATHLETES, BODIES = load_linnerud(return_X_y=True)
DIGITS, FIGURES = (each[:400] for each in load_digits(return_X_y=True))
WINE = load_wine(as_frame=True)

TREES: dict[str, Any] = {"n_estimators": 10, "random_state": 0}
SEED: dict[str, Any] = {"random_state": 0}
BOOST: dict[str, Any] = {"max_iter": 10}
LOGISTIC = LogisticRegression(max_iter=2000)

CLASSIFIERS = [
    LOGISTIC,
    LogisticRegressionCV(
        max_iter=2000, cv=3, l1_ratios=(0,), use_legacy_attributes=False, scoring="accuracy"
    ),
    SGDClassifier(**SEED),
    SGDClassifier(loss="log_loss", **SEED),
    Perceptron(**SEED),
    RidgeClassifier(),
    LinearSVC(),
    SVC(),
    SVC(kernel="poly"),
    NuSVC(),
    KNeighborsClassifier(3),
    GaussianNB(),
    MultinomialNB(),
    BernoulliNB(binarize=2),
    ComplementNB(),
    LinearDiscriminantAnalysis(),
    QuadraticDiscriminantAnalysis(),
    MLPClassifier((8,), max_iter=300, **SEED),
    DecisionTreeClassifier(**SEED),
    RandomForestClassifier(**TREES),
    ExtraTreesClassifier(**TREES),
    GradientBoostingClassifier(**TREES),
    HistGradientBoostingClassifier(**BOOST),
    AdaBoostClassifier(**TREES),
    BaggingClassifier(n_estimators=5, **SEED),
    BaggingClassifier(GaussianNB(), n_estimators=5, max_features=0.5, **SEED),
    CalibratedClassifierCV(LinearSVC(), cv=3),
    CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=3),
    CalibratedClassifierCV(RandomForestClassifier(**TREES), method="isotonic", cv=3),
    CalibratedClassifierCV(HistGradientBoostingClassifier(**BOOST), cv=3),
    VotingClassifier([("a", LOGISTIC), ("b", GaussianNB()), ("c", DecisionTreeClassifier(**SEED))]),
    VotingClassifier([("a", LOGISTIC), ("b", HistGradientBoostingClassifier(**BOOST))], voting="soft"),
    StackingClassifier([("a", GaussianNB()), ("b", HistGradientBoostingClassifier(**BOOST))], cv=3),
    OneVsRestClassifier(LOGISTIC),
    OneVsRestClassifier(HistGradientBoostingClassifier(**BOOST)),
    GridSearchCV(DecisionTreeClassifier(**SEED), {"max_depth": [2, 3]}, cv=3),
    make_pipeline(StandardScaler(), PCA(2), SVC()),
    make_pipeline(PolynomialFeatures(2), StandardScaler(), LOGISTIC),
    make_pipeline(make_union(PCA(2), SelectKBest(k=2)), RandomForestClassifier(**TREES)),
    make_pipeline(StandardScaler(), HistGradientBoostingClassifier(**BOOST)),
]

CROWDED = (NuSVC, QuadraticDiscriminantAnalysis)
"""Models whose default settings do not fit the tumour data."""

REGRESSORS = [
    LinearRegression(),
    Ridge(),
    Lasso(),
    ElasticNet(),
    BayesianRidge(),
    HuberRegressor(max_iter=500),
    SGDRegressor(**SEED),
    GammaRegressor(),
    PoissonRegressor(),
    SVR(),
    NuSVR(),
    LinearSVR(**SEED),
    KNeighborsRegressor(),
    MLPRegressor(hidden_layer_sizes=(8,), max_iter=50, **SEED),
    GaussianProcessRegressor(),
    PLSRegression(),
    DecisionTreeRegressor(**SEED),
    RandomForestRegressor(**TREES),
    ExtraTreesRegressor(**TREES),
    GradientBoostingRegressor(**TREES),
    AdaBoostRegressor(n_estimators=5, **SEED),
    BaggingRegressor(n_estimators=5, **SEED),
    VotingRegressor([("a", Ridge()), ("b", HistGradientBoostingRegressor(**BOOST))]),
    StackingRegressor([("a", Ridge()), ("b", HistGradientBoostingRegressor(**BOOST))], cv=3),
    TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    TransformedTargetRegressor(HistGradientBoostingRegressor(**BOOST), transformer=StandardScaler()),
]

SEVERAL_NUMBERS = [
    LinearRegression(),
    RandomForestRegressor(**TREES),
    KNeighborsRegressor(3),
    PLSRegression(),
    MultiOutputRegressor(HistGradientBoostingRegressor(**BOOST)),
]

SEVERAL_LABELS = [
    MultiOutputClassifier(LOGISTIC),
    OneVsRestClassifier(LOGISTIC),
    RandomForestClassifier(**TREES),
    KNeighborsClassifier(3),
    MLPClassifier((8,), max_iter=300, **SEED),
]

TRANSFORMERS = [
    StandardScaler(),
    MinMaxScaler(),
    RobustScaler(),
    MaxAbsScaler(),
    Normalizer(),
    PowerTransformer(),
    QuantileTransformer(n_quantiles=50),
    PolynomialFeatures(3),
    KBinsDiscretizer(3, encode="onehot", quantile_method="averaged_inverted_cdf"),
    KBinsDiscretizer(3, encode="ordinal", strategy="uniform"),
    PCA(2),
    TruncatedSVD(2, **SEED),
    SelectKBest(k=2),
    VarianceThreshold(),
    FeatureUnion([("a", StandardScaler()), ("b", PCA(2))]),
]

UNLABELLED = [
    KMeans(3, n_init=1, **SEED),
    MiniBatchKMeans(3, n_init=1, **SEED),
    GaussianMixture(3, **SEED),
    IsolationForest(**TREES),
    IsolationForest(max_features=0.5, **TREES),
    OneClassSVM(nu=0.2),
]


def _name(model: Any) -> str:
    inner = [type(step).__name__ for _, step in getattr(model, "steps", ())]
    return "+".join(inner) or type(model).__name__


def _fitted(model: Any, rows: Any, target: Any = None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # short fits on purpose: it is the compiled answer that is on trial
        return clone(model).fit(rows, target)


def _check(model: Any, rows: Any, hold: Hold) -> None:
    sample = Sample.of(rows)
    assert hold(adopt(model, sample), sample.batch) != "none"


@pytest.mark.parametrize("model", CLASSIFIERS, ids=_name)
def test_three_named_classes(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, FLOWERS, NAMED), FLOWERS, first_that_holds)


@pytest.mark.parametrize(
    "model",
    [make_pipeline(MinMaxScaler(), model) for model in CLASSIFIERS if not isinstance(model, CROWDED)],
    ids=_name,
)
def test_two_numbered_classes_behind_a_scaler(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, TUMOURS[:, :8], MALIGNANT), TUMOURS[:, :8], first_that_holds)


@pytest.mark.parametrize("model", REGRESSORS, ids=_name)
def test_a_number(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, PATIENTS, PROGRESS), PATIENTS, first_that_holds)


@pytest.mark.parametrize("model", SEVERAL_NUMBERS, ids=_name)
def test_several_numbers(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, ATHLETES, BODIES), ATHLETES, first_that_holds)


@pytest.mark.parametrize("model", SEVERAL_LABELS, ids=_name)
def test_several_labels(model: Any, first_that_holds: Hold) -> None:
    labels = np.column_stack([SPECIES == 1, SPECIES > 0]).astype(int)
    _check(_fitted(model, FLOWERS, labels), FLOWERS, first_that_holds)


@pytest.mark.parametrize("model", TRANSFORMERS, ids=_name)
def test_a_vector(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, FLOWERS, SPECIES), FLOWERS, first_that_holds)


@pytest.mark.parametrize("model", UNLABELLED, ids=_name)
def test_no_labels_at_all(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, FLOWERS), FLOWERS, first_that_holds)


@pytest.mark.parametrize(
    "model",
    [RandomForestClassifier(**TREES), HistGradientBoostingClassifier(**BOOST), MLPClassifier((16,), **SEED)],
    ids=_name,
)
def test_ten_digits(model: Any, first_that_holds: Hold) -> None:
    _check(_fitted(model, DIGITS, FIGURES), DIGITS, first_that_holds)


def test_categories_that_are_whole_numbers(first_that_holds: Hold) -> None:
    rows = np.round(FLOWERS)
    _check(_fitted(CategoricalNB(), rows, SPECIES), rows, first_that_holds)


def test_novelty_by_local_density(first_that_holds: Hold) -> None:
    _check(_fitted(LocalOutlierFactor(novelty=True), TUMOURS), TUMOURS, first_that_holds)


@pytest.mark.parametrize(
    "values", [SPECIES == 2, SPECIES * 1.0, SPECIES * 10 - 3], ids=["bool", "float", "negative"]
)
def test_class_values_of_any_kind_become_indices(values: Any, first_that_holds: Hold) -> None:
    for model in (LOGISTIC, RandomForestClassifier(**TREES)):
        _check(_fitted(model, FLOWERS, values), FLOWERS, first_that_holds)


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(**SEED),
        RandomForestClassifier(**TREES),
        ExtraTreesClassifier(**TREES),
        HistGradientBoostingClassifier(**BOOST),
        make_pipeline(SimpleImputer(), StandardScaler(), LOGISTIC),
        make_pipeline(SimpleImputer(strategy="median", add_indicator=True), RandomForestClassifier(**TREES)),
        make_pipeline(FeatureUnion([("a", SimpleImputer()), ("b", MissingIndicator())]), GaussianNB()),
    ],
    ids=_name,
)
def test_missing_numbers(model: Any, holes: Holes, first_that_holds: Hold) -> None:
    rows = holes(TUMOURS[:, :8], 0.15)
    _check(_fitted(model, rows, MALIGNANT), rows, first_that_holds)


@pytest.mark.parametrize(
    "model",
    [RandomForestClassifier(**TREES), DecisionTreeClassifier(**SEED), IsolationForest(**TREES)],
    ids=_name,
)
def test_missing_numbers_that_training_never_saw(model: Any, holes: Holes, first_that_holds: Hold) -> None:
    _check(_fitted(model, TUMOURS[:, :8], MALIGNANT), holes(TUMOURS[:, :8], 0.15), first_that_holds)


NUMBERS = ["alcohol", "malic acid", "proline"]
TEXTS = ["colour", "hue.level"]


def _wine() -> pd.DataFrame:
    data = WINE.data
    colours = pd.cut(data.color_intensity, 4, labels=["pale", "light", "deep", "dark"])
    return pd.DataFrame(
        {
            "alcohol": data.alcohol,
            "malic acid": data.malic_acid,
            "proline": data.proline.astype(int),
            "colour": colours.astype(str),
            "hue.level": pd.cut(data.hue, 3, labels=["low", "mid", "high"]).astype(str),
            "rich": data.flavanoids > 2,
        }
    )


def _columns(
    texts: Any, numbers: Any = "passthrough", *, remainder: str = "passthrough"
) -> ColumnTransformer:
    return ColumnTransformer([("n", numbers, NUMBERS), ("t", texts, TEXTS)], remainder=remainder)


ENCODERS = [
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(),
    OneHotEncoder(drop="first"),
    OneHotEncoder(drop="if_binary", sparse_output=False),
    OneHotEncoder(min_frequency=40, handle_unknown="infrequent_if_exist"),
    OrdinalEncoder(encoded_missing_value=-2),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    TargetEncoder(cv=2, **SEED),
]


@pytest.mark.parametrize("absent", [False, True], ids=["full", "with-holes"])
@pytest.mark.parametrize("encoder", ENCODERS, ids=_name)
def test_mixed_columns(encoder: Any, absent: bool, holes: Holes, first_that_holds: Hold) -> None:
    table = _wine()
    if absent:
        for name in ("alcohol", "colour", "hue.level"):
            table[name] = holes(table[[name]], 0.15)[name]
    model = make_pipeline(_columns(encoder, make_pipeline(SimpleImputer(), StandardScaler())), LOGISTIC)
    _check(_fitted(model, table, WINE.target == 1), table, first_that_holds)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(
            _columns(
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), SimpleImputer()
            ),
            RandomForestClassifier(**TREES),
        ),
        make_pipeline(
            _columns(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)),
            HistGradientBoostingClassifier(categorical_features=[3, 4], **BOOST),
        ),
        make_pipeline(
            _columns(
                OneHotEncoder(handle_unknown="ignore"), SimpleImputer(add_indicator=True), remainder="drop"
            ),
            StackingClassifier([("a", GaussianNB()), ("b", HistGradientBoostingClassifier(**BOOST))], cv=3),
        ),
        GridSearchCV(
            make_pipeline(_columns(OneHotEncoder(handle_unknown="ignore"), SimpleImputer()), LOGISTIC),
            {"logisticregression__C": [0.1, 1]},
            cv=2,
        ),
        VotingClassifier(
            [
                (
                    "a",
                    make_pipeline(
                        _columns(OneHotEncoder(handle_unknown="ignore"), SimpleImputer()), LOGISTIC
                    ),
                ),
                (
                    "b",
                    make_pipeline(
                        _columns(OrdinalEncoder(encoded_missing_value=-1)), DecisionTreeClassifier()
                    ),
                ),
            ],
            voting="soft",
        ),
        CalibratedClassifierCV(
            make_pipeline(_columns(OneHotEncoder(handle_unknown="ignore"), SimpleImputer()), LinearSVC()),
            cv=2,
        ),
        TransformedTargetRegressor(
            make_pipeline(_columns(OneHotEncoder(handle_unknown="ignore"), SimpleImputer()), Ridge()),
            func=np.log1p,
            inverse_func=np.expm1,
        ),
    ],
    ids=[
        "imputed-texts",
        "codes-into-boosting",
        "stacking",
        "search",
        "voting",
        "calibrated",
        "transformed-target",
    ],
)
def test_whole_pipelines_on_mixed_columns_with_holes(
    model: Any, holes: Holes, first_that_holds: Hold
) -> None:
    table = _wine()
    for name in ("alcohol", "colour", "hue.level"):
        table[name] = holes(table[[name]], 0.1)[name]
    _check(_fitted(model, table, WINE.target), table, first_that_holds)


def test_numbers_texts_and_truths_as_categories(first_that_holds: Hold) -> None:
    encoder = ColumnTransformer(
        [("c", OneHotEncoder(handle_unknown="ignore"), ["proline", "colour", "rich"])]
    )
    _check(_fitted(make_pipeline(encoder, LOGISTIC), _wine(), WINE.target), _wine(), first_that_holds)


def test_truths_and_numbers_into_one_matrix(first_that_holds: Hold) -> None:
    table = _wine()[["alcohol", "rich"]]
    _check(_fitted(LOGISTIC, table, WINE.target), table, first_that_holds)


def test_columns_by_name_of_an_all_number_table(first_that_holds: Hold) -> None:
    columns = ColumnTransformer(
        [("a", StandardScaler(), ["alcohol"]), ("b", MinMaxScaler(), ["proline", "hue"])]
    )
    _check(_fitted(make_pipeline(columns, LOGISTIC), WINE.data, WINE.target), WINE.data, first_that_holds)


def test_the_table_may_list_its_columns_in_another_order(first_that_holds: Hold) -> None:
    model = _fitted(RandomForestClassifier(**TREES), WINE.data, WINE.target)
    sample = Sample.of(WINE.data[WINE.data.columns[::-1]])
    adopted = adopt(model, sample)
    ordered = Sample.of(WINE.data)
    assert adopted.candidates[0].build().signature.inputs[0].columns == ordered.columns
    assert first_that_holds(adopted, ordered.batch) == "float32"


def test_calibrated_classes_share_out_the_smallest_of_numbers() -> None:
    """On edge rows every class is as good as impossible, and still one of them is likelier."""
    model = _fitted(CalibratedClassifierCV(LOGISTIC), FLOWERS, SPECIES)
    assert pack(model, name="calibrated", sample=FLOWERS).parity.holds


ON_EDGES = [
    *[(model, FLOWERS, NAMED) for model in CLASSIFIERS],
    *[(make_pipeline(MinMaxScaler(), model), TUMOURS[:, :8], MALIGNANT) for model in CLASSIFIERS],
    *[(model, PATIENTS, PROGRESS) for model in REGRESSORS],
    *[(model, ATHLETES, BODIES) for model in SEVERAL_NUMBERS],
    *[(model, FLOWERS, SPECIES) for model in TRANSFORMERS],
    *[(model, FLOWERS, None) for model in UNLABELLED],
]


def _refused_on_edges(model: Any) -> bool:
    """A scaled polynomial kernel answers absurd rows with 1e13, and a lone PowerTransformer takes NaN."""
    parts = [step for _, step in getattr(model, "steps", [("", model)])]
    crowded = len(parts) > 1 and isinstance(parts[-1], CROWDED)
    return (
        crowded
        or isinstance(parts[-1], PowerTransformer)
        or (len(parts) > 1 and isinstance(parts[-1], SVC) and parts[-1].kernel == "poly")
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "rows", "target"), [each for each in ON_EDGES if not _refused_on_edges(each[0])]
)
def test_what_holds_on_a_sample_holds_on_edge_rows(model: Any, rows: Any, target: Any) -> None:
    assert pack(_fitted(model, rows, target), name="edges", sample=rows).parity.holds
