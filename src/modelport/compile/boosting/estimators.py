"""A native model as a scikit-learn estimator: what the compile step of tables takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from modelport.compile.boosting.natives import Native
from modelport.runtimes.batch import Array


class BoostedModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The common part: features and their names."""

    def __init__(self, native: Native) -> None:
        self.native = native
        self.boosted = native.boosted
        self.n_features_in_ = native.boosted.width
        if native.names:
            self.feature_names_in_ = np.asarray(native.names, object)

    def __deepcopy__(self, memo: Any) -> BoostedModel:
        """Itself: nothing changes it, and LightGBM's copies forget their best iteration."""
        return self

    def predict(self, rows: Any) -> Array:
        """Numbers, or the values of classes."""
        return self.native.predict(rows)


class BoostedRegressor(RegressorMixin, BoostedModel):  # type: ignore[misc]
    """Answers numbers."""


class BoostedClassifier(ClassifierMixin, BoostedModel):  # type: ignore[misc]
    """Answers one of several classes, or one label per target."""

    def __init__(self, native: Native) -> None:
        super().__init__(native)
        several = native.kind == "labels"
        self.classes_: Any = (
            [np.asarray([0, 1])] * native.boosted.targets if several else np.asarray(native.classes)
        )

    def predict(self, rows: Any) -> Array:
        """The values of classes `[n]`, or one label per target `[n, targets]`."""
        index = self.native.predict(rows)
        return index if self.native.kind == "labels" else np.asarray(self.classes_[index])

    def predict_proba(self, rows: Any) -> Array:
        """`[n, classes]`, or `[n, targets]`."""
        return self.native.probabilities(rows)


def estimator_of(native: Native) -> BoostedModel:
    """The estimator that answers as `native` does."""
    return BoostedRegressor(native) if native.kind == "regressor" else BoostedClassifier(native)
