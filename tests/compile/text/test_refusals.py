"""What cannot be data is refused, with the reason and what to do instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from modelport.compile.sample import Sample
from modelport.compile.text import adopt
from modelport.errors import Unsupported

TEXTS = ["one array of numbers", "two lists of words", "one list", "two arrays", "three words of it"]
CLASSES = [0, 1, 0, 1, 1]


class OwnVectorizer(TfidfVectorizer):  # type: ignore[misc]  # scikit-learn ships no types
    """A class of the user's own, which may do anything."""


def shout(text: str) -> str:
    return text.upper()


def fitted(*steps: Any) -> Any:
    return make_pipeline(*steps, LogisticRegression()).fit(TEXTS, CLASSES)


def refused(model: Any, vectorizer: Any | None = None, sample: Any = TEXTS) -> Unsupported:
    def attempt() -> None:
        adopt(model, Sample.of(sample), vectorizer=vectorizer).candidates[0].build()

    with pytest.raises(Unsupported) as caught:
        attempt()
    assert caught.value.hint
    return caught.value


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
@pytest.mark.parametrize(
    ("vectorizer", "setting"),
    [
        (CountVectorizer(analyzer=str.split), "analyzer"),
        (CountVectorizer(tokenizer=str.split), "tokenizer"),
        (TfidfVectorizer(preprocessor=shout), "preprocessor"),
        (TfidfVectorizer(strip_accents=shout), "strip_accents"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_python_functions_in_a_vectorizer_are_refused_by_name(vectorizer: Any, setting: str) -> None:
    error = refused(fitted(vectorizer))
    assert error.code == "custom-analyzer"
    assert setting in error.message


def test_a_pattern_that_a_text_could_keep_busy_is_refused_before_it_is_served() -> None:
    error = refused(fitted(TfidfVectorizer(token_pattern=r"(?:\w+ ?)+\b")))
    assert error.code == "slow-pattern"
    assert "token_pattern" in error.message


def test_a_vectorizer_class_of_the_users_own_is_refused() -> None:
    assert "OwnVectorizer" in refused(fitted(OwnVectorizer())).message


def test_a_function_on_the_features_is_refused() -> None:
    step = FunctionTransformer(lambda rows: rows * 2.0, accept_sparse=True)
    assert "FunctionTransformer" in refused(fitted(TfidfVectorizer(), step)).message


def test_a_branch_without_a_vectorizer_is_refused() -> None:
    lengths = FunctionTransformer(lambda texts: np.array([[len(text)] for text in texts]))
    union = FeatureUnion([("words", TfidfVectorizer()), ("lengths", lengths)])
    assert "FunctionTransformer" in refused(fitted(union)).message


def test_dense_rows_have_a_widest() -> None:
    model = make_pipeline(HashingVectorizer(), RandomForestClassifier(2)).fit(TEXTS, CLASSES)
    error = refused(model)
    assert error.code == "too-wide"
    assert "max_features" in error.hint


def test_logarithms_of_hashed_counts_are_refused() -> None:
    from sklearn.feature_extraction.text import TfidfTransformer

    hashes = HashingVectorizer(norm=None, n_features=64)
    words = " ".join(TEXTS).split()
    positive = [word for word in words if (hashes.transform([word]).data > 0).all()]
    model = make_pipeline(hashes, TfidfTransformer(sublinear_tf=True), KMeans(1)).fit(positive)
    assert "negative" in refused(model, sample=positive).message


def test_counts_that_wrap_around_are_refused() -> None:
    assert "int8" in refused(fitted(CountVectorizer(dtype=np.int8), StandardScaler(with_mean=False))).message


def test_a_vectorizer_of_file_names_is_refused(tmp_path: Any) -> None:
    paths = []
    for place, text in enumerate(TEXTS):
        path = tmp_path / f"{place}.txt"
        path.write_text(text)
        paths.append(str(path))
    model = make_pipeline(CountVectorizer(input="filename"), LogisticRegression()).fit(paths, CLASSES)
    assert "filename" in refused(model, sample=paths).message


def test_a_model_without_its_vectorizer_is_refused() -> None:
    model = LogisticRegression().fit(TfidfVectorizer().fit_transform(TEXTS), CLASSES)
    assert "--vectorizer" in refused(model).hint


def test_a_vectorizer_without_a_model_is_refused() -> None:
    assert "answers" in refused(TfidfVectorizer().fit(TEXTS)).message


def test_a_table_is_no_sample_of_texts() -> None:
    assert refused(fitted(TfidfVectorizer()), sample=np.zeros((2, 3))).code == "sample-mismatch"
