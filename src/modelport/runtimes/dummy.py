"""A model made of plain data, for tests of everything around a model: it sums, waits, fails on request."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from modelport.core.manifest import Manifest
from modelport.core.ready import ready
from modelport.errors import BundleCorrupt, ModelFailed
from modelport.runtimes.base import Files
from modelport.runtimes.batch import Array, Batch, Ragged

Sums = npt.NDArray[np.float64]


class DummyOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the one step of kind `dummy` in the manifest.

    Attributes:
        delay_ms: each batch takes this long, with the GIL released.
        poison: a batch with this number in any row raises `ModelFailed`.
        nonfinite: a row with this number answers NaN.
        wrong_rows: answers this many rows too many (negative: too few).
        factor: the sum is multiplied by it, so that two versions can differ.
    """

    delay_ms: float = 0.0
    poison: float | None = None
    nonfinite: float | None = None
    wrong_rows: int = 0
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class DummyPredictor:
    """Answers `factor` times the sum of a row's numbers; a text counts as its length. Thread-safe.

    Regression answers it as `value`; classification as `label` (the sum modulo the number of labels) with
    `probabilities` that give that label 0.9.
    """

    options: DummyOptions
    classes: int

    def predict(self, batch: Batch) -> Batch:
        """Raises `ModelFailed` on a poisoned row."""
        if self.options.delay_ms:
            time.sleep(self.options.delay_ms / 1000)
        sums = np.zeros(batch.rows)
        hit = np.zeros(batch.rows, np.bool_)
        for tensor in batch.tensors.values():
            numbers = _numbers(tensor)
            self._refuse_poison(numbers)
            sums += numbers.sum(axis=1)
            hit |= (numbers == self.options.nonfinite).any(axis=1)
        return self._answer(np.where(hit, np.nan, sums * self.options.factor))

    def _refuse_poison(self, numbers: Sums) -> None:
        if self.options.poison is not None and (numbers == self.options.poison).any():
            msg = "the dummy model met its poison"
            raise ModelFailed(msg)

    def _answer(self, sums: Sums) -> Batch:
        rows = max(0, len(sums) + self.options.wrong_rows)
        sums = np.resize(sums, rows)
        if not self.classes:
            return Batch(rows, {"value": sums})
        labels = np.nan_to_num(sums).astype(np.int64) % self.classes
        rest = 0.1 / max(1, self.classes - 1)
        probabilities = np.where(np.arange(self.classes) == labels[:, None], 0.9, rest)
        probabilities[np.isnan(sums)] = np.nan
        return Batch(rows, {"label": labels, "probabilities": probabilities})


class DummyRuntime:
    """Loads a manifest with one step of kind `dummy`; there are no files."""

    kind = "dummy"

    def load(self, files: Files, threads: int = 1) -> DummyPredictor:  # noqa: ARG002 (it needs no threads)
        """Raises `BundleCorrupt` when the options are not well formed."""
        manifest = files.manifest
        classes = len(manifest.labels or ()) if manifest.task == "classification" else 0
        return DummyPredictor(_options(manifest), classes)


def _options(manifest: Manifest) -> DummyOptions:
    options = next((step.options for step in manifest.steps if step.kind == "dummy"), {})
    try:
        return msgspec.convert(options, ready(DummyOptions))
    except msgspec.ValidationError as error:
        msg = f"the options of the dummy model are not well formed: {error}"
        raise BundleCorrupt(msg) from error


def _numbers(tensor: Array | Ragged) -> Sums:
    """One row of numbers per row of the batch."""
    if isinstance(tensor, Ragged):
        rows = np.split(tensor.values, tensor.offsets[1:-1])
        return np.array([[float(row.sum())] for row in rows])
    if tensor.dtype.kind == "O":
        return np.array([[float(len(text or ""))] for text in tensor.ravel()]).reshape(len(tensor), -1)
    return tensor.astype(np.float64).reshape(len(tensor), -1)
