"""XGBoost's models: a Booster, or one of its scikit-learn wrappers."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.boosting.boosted import Boosted
from modelport.compile.boosting.codes import categorised
from modelport.compile.boosting.natives import Kind, Native, asking, pair, softmax
from modelport.compile.boosting.ubjson import decode
from modelport.compile.boosting.xgboost_document import boosted_of, objective_of
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array


def read(model: Any) -> Boosted:
    """What a fitted model computes. Raises `Unsupported`, with `not-fitted` for one that is not."""
    booster = _booster(model)
    _refuse_own_objective(model)
    return boosted_of(_document(booster), _rounds(model), float(getattr(model, "missing", np.nan)))


def native(model: Any) -> Native:
    """The model behind the common face."""
    boosted = read(model)
    booster = _booster(model)
    objective = objective_of(_document(booster))
    kind = _kind(model, objective, boosted.targets)
    answers = _Answers(model, boosted, objective, kind)
    return Native(
        library="xgboost",
        model=model,
        boosted=boosted,
        kind=kind,
        names=tuple(booster.feature_names or ()),
        classes=tuple(range(max(2, boosted.targets))),
        predict=answers.predict,
        probabilities=answers.probabilities,
    )


def _booster(model: Any) -> Any:
    import xgboost
    from sklearn.exceptions import NotFittedError

    if isinstance(model, xgboost.Booster):
        return model
    try:
        return model.get_booster()
    except NotFittedError:
        msg = f"the {type(model).__name__} is not fitted"
        raise Unsupported(msg, code="not-fitted", hint="call fit before packing") from None


def _document(booster: Any) -> Any:
    return decode(bytes(booster.save_raw("ubj")))


def _rounds(model: Any) -> int | None:
    """The rounds that the model answers with; a Booster answers with all of them."""
    import xgboost

    if isinstance(model, xgboost.Booster):
        return None
    try:
        return int(model.best_iteration) + 1
    except AttributeError:  # it was not stopped early
        return None


def _refuse_own_objective(model: Any) -> None:
    if callable(getattr(model, "objective", None)) and hasattr(model, "predict_proba"):
        msg = "the classifier was trained for an objective of your own: what its sums mean, it cannot say"
        raise Unsupported(msg, hint="use objective='binary:logistic' or 'multi:softprob'")


def _kind(model: Any, objective: str, targets: int) -> Kind:
    classifier = hasattr(model, "predict_proba")
    if objective.startswith("multi:"):
        return "classifier"
    if objective in {"binary:logistic", "binary:hinge"}:
        return "classifier" if targets == 1 else "labels"
    if classifier:
        msg = f"the objective {objective!r} gives a classifier no probabilities"
        raise Unsupported(msg, hint="use objective='binary:logistic' or 'multi:softprob'")
    return "regressor"


class _Answers:
    def __init__(self, model: Any, boosted: Boosted, objective: str, kind: Kind) -> None:
        import xgboost

        self._model = model
        self._boosted = boosted
        self._objective = objective
        self._kind = kind
        self._bare = isinstance(model, xgboost.Booster)

    def predict(self, rows: Any) -> Array:
        if self._kind == "regressor" or not self._bare:
            with self._asking():
                return np.asarray(self._values(rows))
        probabilities = self.probabilities(rows)
        if self._kind == "labels":
            return (probabilities > 0.5).astype(np.int64)
        return np.asarray(probabilities.argmax(axis=1))

    def probabilities(self, rows: Any) -> Array:
        with self._asking():
            if self._objective == "multi:softmax" and self._bare:
                return softmax(self._values(rows, output_margin=True))
            if not self._bare:
                return np.asarray(self._model.predict_proba(self._rows(rows)))
            found = np.asarray(self._values(rows))
            return pair(found) if self._kind == "classifier" and found.ndim == 1 else found

    def _values(self, rows: Any, **options: Any) -> Any:
        if not self._bare:
            return self._model.predict(self._rows(rows), **options)
        import xgboost

        rows = self._rows(rows)
        types = None if hasattr(rows, "columns") else self._model.feature_types
        matrix = xgboost.DMatrix(rows, enable_categorical=True, feature_types=types)
        return self._model.predict(matrix, **options)

    def _rows(self, rows: Any) -> Any:
        # XGBoost 3 finds a category by its place in sorted order: an unseen one is answered as its neighbour.
        return categorised(rows, self._boosted.tables, closed=True)

    def _asking(self) -> Any:
        import xgboost

        return asking(xgboost.core.XGBoostError)
