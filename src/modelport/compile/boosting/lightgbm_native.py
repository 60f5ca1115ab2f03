"""LightGBM's models: a Booster, or one of its scikit-learn wrappers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelport.compile.boosting.boosted import Boosted
from modelport.compile.boosting.codes import categorised
from modelport.compile.boosting.lightgbm_text import Facts, boosted_of, facts_of
from modelport.compile.boosting.natives import Kind, Native, asking, pair
from modelport.compile.sample import Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

_CLASSES = {"binary", "multiclass", "multiclassova"}
_INVENTED = re.compile(r"Column_\d+")


def read(model: Any) -> Boosted:
    """What a fitted model computes. Raises `Unsupported`, with `not-fitted` for one that is not."""
    _refuse_own_objective(model)
    return boosted_of(_text(model))


def native(model: Any, sample: Sample) -> Native:
    """The model behind the common face. The sample tells which columns were pandas categoricals."""
    _refuse_own_objective(model)
    text = _text(model)
    facts = facts_of(text)
    boosted = boosted_of(text, _categorical(facts, sample))
    classes = getattr(model, "classes_", range(max(2, facts.classes)))
    kind: Kind = "classifier" if facts.objective in _CLASSES else "regressor"
    answers = _Answers(model, boosted, kind)
    return Native(
        library="lightgbm",
        model=model,
        boosted=boosted,
        kind=kind,
        names=() if all(map(_INVENTED.fullmatch, facts.names)) else facts.names,
        classes=tuple(np.asarray(classes).tolist()) if kind == "classifier" else (),
        predict=answers.predict,
        probabilities=answers.probabilities,
    )


def _text(model: Any) -> str:
    import lightgbm

    if isinstance(model, lightgbm.Booster):
        return str(model.model_to_string())
    try:
        booster = model.booster_
    except lightgbm.sklearn.LGBMNotFittedError:
        msg = f"the {type(model).__name__} is not fitted"
        raise Unsupported(msg, code="not-fitted", hint="call fit before packing") from None
    # The booster of a copied estimator has forgotten where it was stopped.
    return str(booster.model_to_string(num_iteration=model.best_iteration_ or -1))


def _refuse_own_objective(model: Any) -> None:
    if callable(getattr(model, "objective", None)) and hasattr(model, "predict_proba"):
        msg = "the classifier was trained for an objective of your own: what its sums mean, it cannot say"
        raise Unsupported(msg, hint="use objective='binary' or 'multiclass'")


def _categorical(facts: Facts, sample: Sample) -> Sequence[int] | None:
    """Places of the columns that were categoricals: the sample's own, else what fits their number best."""
    if not facts.categories:
        return None
    texts = {
        name
        for name in sample.columns
        if sample.item == "columns" and sample.batch.array(name).dtype == object
    }
    taken = {facts.names[place] for place in facts.categorical}
    for chosen in (set(sample.categories), taken, texts, texts | taken):
        written = {name.replace(" ", "_") for name in chosen}
        places = [place for place, name in enumerate(facts.names) if name in written]
        if len(places) == len(facts.categories):
            return places
    return None


class _Answers:
    def __init__(self, model: Any, boosted: Boosted, kind: Kind) -> None:
        import lightgbm

        self._model = model
        self._boosted = boosted
        self._kind = kind
        self._bare = isinstance(model, lightgbm.Booster)

    def predict(self, rows: Any) -> Array:
        if self._kind == "classifier":
            return np.asarray(self.probabilities(rows).argmax(axis=1))
        with self._asking():
            return np.asarray(self._model.predict(self._rows(rows)))

    def probabilities(self, rows: Any) -> Array:
        with self._asking():
            if not self._bare:
                return np.asarray(self._model.predict_proba(self._rows(rows)))
            found = np.asarray(self._model.predict(self._rows(rows)))
            return pair(found) if found.ndim == 1 else found

    def _rows(self, rows: Any) -> Any:
        return categorised(rows, self._boosted.tables, closed=False)

    def _asking(self) -> Any:
        import lightgbm

        return asking(lightgbm.basic.LightGBMError)
