"""CatBoost's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from modelport.compile.boosting.boosted import Boosted
from modelport.compile.boosting.catboost_document import boosted_of, categorical_of, loss_of, names_of
from modelport.compile.boosting.natives import Kind, Native, asking, pair
from modelport.compile.boosting.piped import written
from modelport.compile.columns import is_missing
from modelport.compile.sample import VECTOR, Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

KINDS: Mapping[str, Kind] = {
    "Logloss": "classifier",
    "CrossEntropy": "classifier",
    "MultiClass": "classifier",
    "MultiClassOneVsAll": "classifier",
    "MultiLogloss": "labels",
    "MultiCrossEntropy": "labels",
}


def read(model: Any) -> Boosted:
    """What a fitted model computes that has no categorical columns."""
    return boosted_of(document_of(model))


def native(model: Any, sample: Sample) -> Native:
    """The model behind the common face. The sample tells which texts its hashes of categories stand for."""
    document = document_of(model)
    places = categorical_of(document)
    names = names_of(document)
    boosted = boosted_of(document, {place: _shown(sample, names, place) for place in places})
    kind = KINDS.get(loss_of(document), "regressor")
    if kind == "regressor" and _answers_sums(model):
        boosted = replace(boosted, link="identity")
    classes = _classes(model, kind, boosted.targets)
    answers = _Answers(model, kind, places, classes)
    return Native(
        library="catboost",
        model=model,
        boosted=boosted,
        kind=kind,
        names=() if _invented(names) else names,
        classes=classes,
        predict=answers.predict,
        probabilities=answers.probabilities,
    )


def document_of(model: Any) -> Any:
    """The model's own JSON document.

    CatBoost writes it to a path only.
    """
    if not model.is_fitted():
        msg = f"the {type(model).__name__} is not fitted"
        raise Unsupported(msg, code="not-fitted", hint="call fit before packing")
    return msgspec.json.decode(written(lambda path: model.save_model(path, format="json")))


def _answers_sums(model: Any) -> bool:
    """Whether it is bare: the wrappers answer what their loss makes of a sum."""
    import catboost

    return type(model) is catboost.CatBoost


def _invented(names: Sequence[str]) -> bool:
    """Whether nobody named the features: CatBoost then leaves them out, or counts them."""
    return all(name in {"", str(place)} for place, name in enumerate(names))


def _classes(model: Any, kind: Kind, targets: int) -> tuple[Any, ...]:
    if kind != "classifier":
        return ()
    found = np.asarray(getattr(model, "classes_", ())).tolist()
    return tuple(found) or tuple(range(max(2, targets)))


def _shown(sample: Sample, names: Sequence[str], place: int) -> list[Any]:
    """The values of a column in the sample, as CatBoost takes them."""
    if sample.item == "vector":
        own = sample.columns.index(names[place]) if names[place] in sample.columns else place
        matrix = sample.batch.array(VECTOR)
        values = matrix[:, own].tolist() if own < matrix.shape[1] else []
    else:
        name = (
            names[place] if names[place] in sample.columns else dict(enumerate(sample.columns)).get(place, "")
        )
        values = [*sample.batch.array(name).tolist(), *sample.categories.get(name, ())] if name else []
    return list(dict.fromkeys(_value(value) for value in values if not is_missing(value)))


def _value(value: Any) -> Any:
    """A category as CatBoost takes it: a text or a whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Answers:
    def __init__(self, model: Any, kind: Kind, categorical: Sequence[int], classes: Sequence[Any]) -> None:
        self._model = model
        self._kind = kind
        self._categorical = categorical
        self._index = {str(each): place for place, each in enumerate(classes)}

    def predict(self, rows: Any) -> Array:
        if self._kind == "regressor":
            return self._asked(rows)
        found = self._asked(rows, prediction_type="Class")
        if self._kind == "labels":
            return found.astype(np.int64)
        return np.asarray([self._index[str(each)] for each in found.reshape(-1)], np.int64)

    def probabilities(self, rows: Any) -> Array:
        found = self._asked(rows, prediction_type="Probability")
        return pair(found) if found.ndim == 1 else found

    def _asked(self, rows: Any, **options: Any) -> Array:
        import catboost

        with asking(catboost.CatBoostError):
            return np.asarray(self._model.predict(self._rows(rows), **options))

    def _rows(self, rows: Any) -> Any:
        """Categories as texts and whole numbers: tables of numbers carry them as floats."""
        if not self._categorical:
            return rows
        import pandas as pd

        frame = pd.DataFrame(rows).copy()
        for place in self._categorical:
            name = frame.columns[place]
            frame[name] = pd.Series([_value(value) for value in frame[name]], index=frame.index, dtype=object)
        return frame
