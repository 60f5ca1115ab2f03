"""CatBoost's JSON document as a `Boosted`.

Its trees compare float32 numbers with float32 borders and go right above them. Categories are known by a hash
of their text: which text stands behind a hash is learned from the sample (`known`), and a model is refused
whose categories the sample does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from modelport.compile.boosting.boosted import Boosted, Link
from modelport.compile.boosting.catboost_ctr import Columns, crossed_of, signed
from modelport.compile.boosting.catboost_trees import Test, grown, oblivious
from modelport.compile.boosting.checked import (
    MAX_TREES,
    check_tree,
    check_width,
    reading,
    refused,
)
from modelport.compile.boosting.city import city64
from modelport.compile.boosting.codes import code_table
from modelport.compile.sklearn.converters.trees import Tree
from modelport.errors import Unsupported

_LINKS: Mapping[str, Link] = {
    "Logloss": "sigmoid",
    "CrossEntropy": "sigmoid",
    "MultiLogloss": "sigmoid",
    "MultiCrossEntropy": "sigmoid",
    "MultiClass": "softmax",
    "MultiClassOneVsAll": "one-vs-all",
    "Poisson": "exp",
    "Tweedie": "exp",
}
_REFUSED = {
    "RMSEWithUncertainty": "answers a mean and a variance",
    "SurvivalAft": "answers by a rule of its own",
    "Cox": "answers by a rule of its own",
}

Known = Mapping[int, Sequence[Any]]
"""Values of the categorical columns in the sample, by place of the column."""


def loss_of(document: Mapping[str, Any]) -> str:
    """The loss it was trained for, without its options; `RMSE` where the document does not say."""
    with reading("CatBoost"):
        parameters = document.get("model_info", {}).get("params", {})
        return str(parameters.get("loss_function", {}).get("type", "RMSE"))


def names_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the features in order, empty for those without one."""
    with reading("CatBoost"):
        found = {int(each["flat_feature_index"]): str(each["feature_id"]) for each in _features(document)}
        width = check_width(max(found, default=-1) + 1)
        return tuple(found.get(place, "") for place in range(width))


def categorical_of(document: Mapping[str, Any]) -> tuple[int, ...]:
    """The places of the categorical columns."""
    with reading("CatBoost"):
        info = document["features_info"]
        return tuple(int(each["flat_feature_index"]) for each in info.get("categorical_features", ()))


def boosted_of(document: Mapping[str, Any], known: Known | None = None) -> Boosted:
    """The model in a document.

    Raises `SourceRefused` (`source-malformed`) for a document that is not a whole model, `Unsupported` for a
    loss, a feature or a category that is not known here.
    """
    loss = loss_of(document)
    if loss in _REFUSED:
        msg = f"CatBoost with the loss {loss} {_REFUSED[loss]}"
        raise Unsupported(msg, hint="train it with RMSE, Quantile, Poisson or a classification loss")
    with reading("CatBoost"):
        return _Document(document, known or {}).boosted(_LINKS.get(loss, "identity"))


def check(document: Mapping[str, Any]) -> None:
    """Raise `SourceRefused` (`source-malformed`) for a document that is not a whole model.

    Categories stay unknown: whatever only they could tell is left for `boosted_of`.
    """
    with suppress(Unsupported):
        boosted_of(document)


def _features(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    info = document["features_info"]
    if info.get("text_features") or info.get("embedding_features"):
        msg = "the model reads texts or embeddings with CatBoost's own features"
        raise Unsupported(msg, hint="turn texts into numbers before the model, in a pipeline")
    yield from info.get("float_features", ())
    yield from info.get("categorical_features", ())


class _Document:
    def __init__(self, document: Mapping[str, Any], known: Known) -> None:
        info = document["features_info"]
        self.document = document
        self.width = len(names_of(document))
        self.floats = {int(each["feature_index"]): each for each in info.get("float_features", ())}
        self.categories = {int(each["feature_index"]): each for each in info.get("categorical_features", ())}
        self.values = {feature: list(known.get(place, ())) for feature, place in self._flat().items()}
        self.hashes = {feature: [hashed(value) for value in found] for feature, found in self.values.items()}
        self.scale, self.bias = _scale_and_bias(document)
        self.crossed = self._crossed()
        self.places = self._places(self.crossed)

    def boosted(self, link: Link) -> Boosted:
        trees = [replace(tree, values=tree.values * self.scale) for tree in self._trees()]
        width = self.width + sum(each.values.shape[1] for each in self.crossed.tables)
        for number, tree in enumerate(trees):
            check_tree(number, tree, width)
        return Boosted(
            width=self.width,
            targets=len(self.bias),
            start=self.bias,
            link=link,
            trees=tuple((tree, 0) for tree in trees),
            tables={place: code_table(self.values[feature]) for feature, place in self._flat().items()},
            crossed=self.crossed.tables,
        )

    def _flat(self) -> dict[int, int]:
        """The place among all columns of each categorical feature, by CatBoost's number of it."""
        return {feature: int(each["flat_feature_index"]) for feature, each in self.categories.items()}

    def _crossed(self) -> Columns:
        floats = {feature: int(each["flat_feature_index"]) for feature, each in self.floats.items()}
        return crossed_of(self.document, self.hashes, self._flat(), floats)

    def _places(self, crossed: Columns) -> dict[int, int]:
        """The column of statistics that each split on one asks, by the number of the split.

        Splits are numbered over borders of numbers, then values of categories, then borders of statistics.
        """
        first = sum(len(each["borders"]) for each in self.floats.values())
        first += sum(len(each.get("values", ())) for each in self.categories.values())
        columns = [
            self.width + crossed.column[number]
            for number, ctr in enumerate(self.document["features_info"].get("ctrs") or ())
            for _ in ctr["borders"]
        ]
        return dict(enumerate(columns, first))

    def _trees(self) -> Iterator[Tree]:
        targets = len(self.bias)
        for each in self.document.get("oblivious_trees", ()):
            tests = [self._test(split) for split in each.get("splits") or ()]
            yield oblivious(tests, each["leaf_values"], targets)
        for each in self.document.get("trees", ()):
            yield grown(each, self._test, targets)

    def _test(self, split: Mapping[str, Any]) -> Test:
        kind = split["split_type"]
        if kind == "FloatFeature":
            feature = self.floats[int(split["float_feature_index"])]
            # NaN is below every border, or where training said so, above all.
            below = feature.get("nan_value_treatment") != "AsTrue"
            return Test(int(feature["flat_feature_index"]), float(np.float32(split["border"])), below)
        if kind == "OneHotFeature":
            return self._one_hot(split)
        if kind == "OnlineCtr":
            return Test(self.places[int(split["split_index"])], float(np.float32(split["border"])), True)
        msg = f"the model has splits of the kind {kind!r}, which are not known here"
        raise Unsupported(msg, hint="turn texts and embeddings into numbers before the model")

    def _one_hot(self, split: Mapping[str, Any]) -> Test:
        feature = int(split["cat_feature_index"])
        wanted, hashes = signed(int(split["value"])), self.hashes[feature]
        if wanted not in hashes:
            raise _not_shown(self.categories[feature])
        place = int(self.categories[feature]["flat_feature_index"])
        return Test(place, 0.0, missing_left=False, code=hashes.index(wanted))


def _scale_and_bias(document: Mapping[str, Any]) -> tuple[float, Any]:
    scale, bias = document["scale_and_bias"]
    found = np.asarray(bias, np.float64).reshape(-1)
    if not (np.isfinite(found).all() and np.isfinite(scale) and 1 <= len(found) <= MAX_TREES):
        msg = "the scale and bias of the model are not numbers"
        raise refused(msg)
    return float(scale), found


def hashed(value: Any) -> int:
    """The hash of a category, as CatBoost writes it: the low 32 bits, signed."""
    return signed(city64(str(value).encode()))


def _not_shown(feature: Mapping[str, Any]) -> Unsupported:
    """The refusal of a model that knows a category which the sample does not show."""
    name = feature.get("feature_id") or feature["flat_feature_index"]
    msg = f"CatBoost keeps only hashes of categories: the sample does not show all values of {name!r}"
    hint = "give a sample with every value of its categorical columns"
    return Unsupported(msg, code="sample-mismatch", hint=hint)
