"""What an adopted model says about itself, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC

from modelport.compile.compiled import Compiled
from modelport.compile.sample import Sample
from modelport.compile.sklearn.adopt import adopt
from modelport.core.signature import Field
from modelport.errors import Unsupported

FLOWERS, SPECIES = load_iris(return_X_y=True)
WINE = load_wine(as_frame=True)


def _table() -> pd.DataFrame:
    colours = pd.cut(WINE.data.color_intensity, 3, labels=["pale", "mid", "dark"]).astype(str)
    return pd.DataFrame(
        {"alcohol": WINE.data.alcohol, "colour": colours, "proline": WINE.data.proline.astype(int)}
    )


def _pipeline(handle_unknown: str) -> Any:
    columns = ColumnTransformer(
        [
            ("n", SimpleImputer(), ["alcohol"]),
            ("t", OneHotEncoder(handle_unknown=handle_unknown), ["colour"]),
        ],
        remainder="passthrough",
    )
    return make_pipeline(columns, LogisticRegression(max_iter=5000)).fit(_table(), WINE.target)


def _compiled(model: Any, rows: Any, place: int = 0, labels: Any = None) -> Compiled:
    return adopt(model, Sample.of(rows), labels).candidates[place].build()


def test_a_matrix_is_one_vector_with_its_range() -> None:
    model = LogisticRegression(max_iter=1000).fit(FLOWERS, SPECIES)
    signature = _compiled(model, FLOWERS).signature
    assert signature.item == "vector"
    assert signature.inputs == (Field("input", "FP32", (-1, 4), minimum=0.1, maximum=7.9),)
    assert signature.outputs == (Field("label", "INT64", (-1,)), Field("probabilities", "FP32", (-1, 3)))


def test_the_second_candidate_computes_in_float64() -> None:
    signature = _compiled(LinearRegression().fit(FLOWERS, SPECIES), FLOWERS, 1).signature
    assert signature.inputs[0].dtype == "FP64"
    assert signature.outputs == (Field("value", "FP64", (-1,)),)


def test_columns_say_what_they_take() -> None:
    fields = {field.name: field for field in _compiled(_pipeline("ignore"), _table()).signature.inputs}
    assert (fields["alcohol"].dtype, fields["alcohol"].missing) == ("FP32", True)
    assert (fields["proline"].dtype, fields["proline"].missing) == ("INT64", False)
    assert fields["colour"].categories == ("dark", "mid", "pale")
    assert not fields["colour"].closed


def test_a_column_is_closed_where_its_encoder_refuses_unknown_values() -> None:
    fields = {field.name: field for field in _compiled(_pipeline("error"), _table()).signature.inputs}
    assert fields["colour"].closed
    assert not fields["colour"].missing
    assert not fields["alcohol"].closed


def test_boosting_knows_missing_values_and_logistic_regression_does_not() -> None:
    boosting = HistGradientBoostingClassifier(max_iter=2).fit(FLOWERS, SPECIES)
    logistic = LogisticRegression(max_iter=1000).fit(FLOWERS, SPECIES)
    assert _compiled(boosting, FLOWERS).signature.inputs[0].missing
    assert not _compiled(logistic, FLOWERS).signature.inputs[0].missing


def test_absent_text_is_filled_by_a_step() -> None:
    compiled = _compiled(_pipeline("ignore"), _table())
    (step,) = compiled.steps
    assert step.kind == "fill_missing"
    assert step.options["column"] == "colour"


def test_decision_values_come_where_there_are_no_probabilities() -> None:
    two = LinearSVC().fit(FLOWERS, SPECIES == 1)
    three = LinearSVC().fit(FLOWERS, SPECIES)
    assert _compiled(two, FLOWERS).signature.outputs[1] == Field("scores", "FP32", (-1,))
    assert _compiled(three, FLOWERS).signature.outputs[1] == Field("scores", "FP32", (-1, 3))


def test_labels_are_the_classes_unless_the_user_names_them() -> None:
    model = LogisticRegression(max_iter=1000).fit(FLOWERS, SPECIES + 5)
    assert _compiled(model, FLOWERS).labels == (5, 6, 7)
    assert _compiled(model, FLOWERS, labels=["a", "b", "c"]).labels == ("a", "b", "c")


def test_outliers_have_two_labels_of_ours() -> None:
    adopted = adopt(IsolationForest(n_estimators=5, random_state=0).fit(FLOWERS), Sample.of(FLOWERS))
    assert (adopted.task, adopted.labels) == ("outlier", ("outlier", "inlier"))


def test_the_same_model_compiles_to_the_same_bytes() -> None:
    model = HistGradientBoostingClassifier(max_iter=5).fit(FLOWERS, SPECIES)
    assert _compiled(model, FLOWERS).files == _compiled(model, FLOWERS).files


def test_one_label_too_few_is_refused() -> None:
    model = LogisticRegression(max_iter=1000).fit(FLOWERS, SPECIES)
    with pytest.raises(Unsupported, match="2 labels were given for 3 classes"):
        adopt(model, Sample.of(FLOWERS), ["a", "b"])


def test_labels_for_a_regressor_are_refused() -> None:
    with pytest.raises(Unsupported, match="regression"):
        adopt(LinearRegression().fit(FLOWERS, SPECIES), Sample.of(FLOWERS), ["a"])


def test_a_clustering_that_cannot_answer_new_rows_is_refused() -> None:
    with pytest.raises(Unsupported, match="cannot answer new ones"):
        adopt(DBSCAN().fit(FLOWERS), Sample.of(FLOWERS))


def test_an_estimator_without_an_onnx_form_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="NearestCentroid cannot be compiled"):
        _compiled(NearestCentroid().fit(FLOWERS, SPECIES), FLOWERS)


def test_a_python_function_in_a_pipeline_is_refused() -> None:
    model = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression(max_iter=1000)).fit(
        FLOWERS, SPECIES
    )
    with pytest.raises(Unsupported):
        _compiled(model, FLOWERS)


def test_a_column_named_like_an_output_is_refused() -> None:
    table = pd.DataFrame({"value": FLOWERS[:, 0], "tall": FLOWERS[:, 1] > 3})
    with pytest.raises(Unsupported, match="has the name of an output"):
        _compiled(LinearRegression().fit(table, SPECIES), table)


def test_a_sample_without_a_column_of_the_model_is_refused() -> None:
    with pytest.raises(Unsupported, match="no column 'colour'"):
        adopt(_pipeline("ignore"), Sample.of(_table()[["alcohol", "proline"]]))


def test_texts_before_a_model_of_numbers_are_refused() -> None:
    model = LogisticRegression(max_iter=5000).fit(_table()[["alcohol", "proline"]].to_numpy(), WINE.target)
    with pytest.raises(Unsupported, match="does not take the rows of the sample"):
        adopt(model, Sample.of(_table()))
