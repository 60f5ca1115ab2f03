"""Outputs of one executed batch, turned into meaning once for all the calls that share it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from modelport.core.manifest import Label, Manifest
from modelport.core.signature import Field
from modelport.errors import ModelportError
from modelport.runtimes.base import TRUNCATED
from modelport.runtimes.batch import Array, Batch, Ragged

_NO_ERRORS: dict[int, ModelportError] = {}
_NONE: frozenset[int] = frozenset()


ENTITIES = "entities"
"""The one public output of the task `entities`: per row a JSON list, where a protocol has no objects."""


class Entity(msgspec.Struct, frozen=True):
    """One entity as callers see it; `start` and `end` count characters of the item."""

    text: str
    label: Label
    start: int
    end: int
    score: float


class Results:
    """Lists are made lazily, once per batch: 32 callers share one conversion.

    `errors` maps a row to the error it failed with; the outputs of such a row mean nothing.
    """

    __slots__ = ("_lists", "batch", "errors", "meaning")

    def __init__(
        self, batch: Batch, meaning: Meaning, errors: dict[int, ModelportError] = _NO_ERRORS
    ) -> None:
        self.batch = batch
        self.meaning = meaning
        self.errors = errors
        self._lists: dict[str, list[Any]] = {}

    def tensor(self, name: str) -> list[Any]:
        """The output tensor `name` as callers see it (labels, not indices), one entry per row."""
        values = self._lists.get(name)
        if values is None:
            texts = name == ENTITIES and self.meaning.task == "entities"
            values = (
                [_encode(row) for row in self.entities()] if texts else self.meaning.values(self.batch, name)
            )
            self._lists[name] = values
        return values

    def predictions(self) -> list[Any]:
        """The answer of each row: label, number, cluster, list, entities."""
        if self.meaning.task == "entities":
            return self.entities()
        return self.targets() if self.meaning.targets else self.tensor(self.meaning.answer)

    def targets(self) -> list[Any]:
        """The names of the targets that hold, of each row."""
        names = self.meaning.targets
        values = self._lists.get("held")
        if values is None:
            rows = self.tensor("labels")
            values = [[name for name, holds in zip(names, row, strict=True) if holds] for row in rows]
            self._lists["held"] = values
        return values

    def entities(self) -> list[Any]:
        """The entities of each row, as objects."""
        values = self._lists.get("spans")
        if values is None:
            values = self._lists["spans"] = self.meaning.entities(self.batch)
        return values

    def confidences(self) -> list[float | None]:
        """How sure the model is of each row's prediction; None when it cannot say."""
        values = self._lists.get("confidence")
        if values is None:
            values = self._lists["confidence"] = self.meaning.confidences(self.batch)
        return values

    def truncated(self, row: int) -> bool:
        """Whether the model's own maximum has cut this row."""
        cut = self.batch.tensors.get(TRUNCATED)
        return cut is not None and not isinstance(cut, Ragged) and bool(cut[row])

    def cut(self, start: int, rows: int) -> frozenset[int]:
        """Those of `rows` rows from `start` on that the model's own maximum has cut, counted from `start`."""
        if TRUNCATED not in self.batch.tensors:
            return _NONE
        return frozenset(row for row in range(rows) if self.truncated(start + row))


_ANSWER = {
    "classification": "label",
    "outlier": "label",
    "regression": "value",
    "clustering": "cluster",
    "multilabel": "labels",
    "transform": "values",
    "entities": ENTITIES,
}


_PLAIN = frozenset({"classification", "outlier", "regression", "clustering"})


class Meaning:
    """How the fixed output tensors of a task read to a caller (see `core.signature.Signature`).

    Attributes:
        plain: whether a prediction is a label or a number.
        targets: names of the targets of a multilabel model that has names for them.
        likely: what the positions of a row of probabilities are of; None when there are no such rows.
    """

    __slots__ = (
        "_indexed",
        "answer",
        "labels",
        "likely",
        "outputs",
        "plain",
        "probabilistic",
        "targets",
        "task",
    )

    def __init__(self, manifest: Manifest) -> None:
        self.task = manifest.task
        self.labels = manifest.labels
        self.outputs = public_outputs(manifest)
        names = [field.name for field in manifest.signature.outputs]
        self.answer = _ANSWER.get(self.task, names[0])
        self.probabilistic = self.task == "classification" and "probabilities" in names
        self.targets = _targets(manifest)
        self.likely = self.targets or self.labels if self.probabilistic or self.targets else None
        self.plain = self.task in _PLAIN
        self._indexed = manifest.labels is not None and self.task in {"classification", "outlier"}

    def values(self, batch: Batch, name: str) -> list[Any]:
        """A tensor as nested lists; label indices become labels."""
        tensor = batch.tensors[name]
        if isinstance(tensor, Ragged):
            return [
                tensor.values[a:b].tolist()
                for a, b in zip(tensor.offsets[:-1], tensor.offsets[1:], strict=True)
            ]
        if name == "label" and self._indexed and self.labels is not None:
            labels = self.labels
            return [labels[index] for index in tensor.tolist()]
        values: list[Any] = tensor.tolist()
        return values

    def entities(self, batch: Batch) -> list[Any]:
        """The entities of each row, in the order of the text."""
        assert self.labels is not None
        texts, starts, ends, scores = (self.values(batch, name) for name in ("text", "start", "end", "score"))
        labels = [[self.labels[index] for index in row] for row in self.values(batch, "label")]
        rows = zip(texts, labels, starts, ends, scores, strict=True)
        return [[Entity(*each) for each in zip(*row, strict=True)] for row in rows]

    def confidences(self, batch: Batch) -> list[float | None]:
        """The highest probability of each row, or None."""
        if not self.probabilistic:
            return [None] * batch.rows
        confidences: list[float | None] = batch.array("probabilities").max(axis=1).tolist()
        return confidences


def _targets(manifest: Manifest) -> tuple[str, ...]:
    """Names of what may hold together in one item, where the model has names and probabilities for them."""
    fields = {field.name: field for field in manifest.signature.outputs}
    if manifest.task != "multilabel" or manifest.labels != (0, 1) or "probabilities" not in fields:
        return ()
    return fields["labels"].columns


def public_outputs(manifest: Manifest) -> tuple[Field, ...]:
    """Output fields as callers see them: label indices carry the labels' own dtype."""
    labels = manifest.labels
    if manifest.task == "entities":
        return (Field(ENTITIES, "BYTES", (-1,)),)
    if labels is None or manifest.task not in {"classification", "outlier"}:
        return manifest.signature.outputs
    dtype = _label_dtype(labels)
    return tuple(
        Field(field.name, dtype, field.shape) if field.name == "label" else field  # type: ignore[arg-type]
        for field in manifest.signature.outputs
    )


def nonfinite_rows(batch: Batch, among: range | None = None) -> int:
    """Rows, of those `among` or of all, with a NaN or an infinity in any dense float output."""
    suspects = [
        tensor
        for tensor in batch.tensors.values()
        if not isinstance(tensor, Ragged) and tensor.dtype.kind == "f" and not all_finite(tensor)
    ]
    if not suspects:
        return 0
    bad = np.zeros(batch.rows, np.bool_)
    for tensor in suspects:
        bad |= ~np.isfinite(tensor).reshape(len(tensor), -1).all(axis=1)
    return int((bad if among is None else bad[among.start : among.stop]).sum())


def _encode(row: list[Entity]) -> str:
    return msgspec.json.encode(row).decode()


_ZEROS: dict[tuple[str, int], Array] = {}


def all_finite(values: Array) -> bool:
    """Whether a float array holds only finite numbers.

    A dot product with zeros is zero exactly when every factor is finite; for a row of 30 floats that takes
    0.4 us where `isfinite().all()` takes 3 us.
    """
    size = values.size
    if size > 4096:
        return bool(np.isfinite(values).all())
    key = (values.dtype.char, size)
    zeros = _ZEROS.get(key)
    if zeros is None:
        zeros = _ZEROS[key] = np.zeros(size, values.dtype)
    return bool(values.reshape(-1).dot(zeros) == 0)


def _label_dtype(labels: tuple[Any, ...]) -> str:
    if all(isinstance(label, bool) for label in labels):
        return "BOOL"
    if all(isinstance(label, int) for label in labels):
        return "INT64"
    if all(isinstance(label, int | float) for label in labels):
        return "FP64"
    return "BYTES"
