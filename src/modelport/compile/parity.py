"""Whether a compiled model answers as the original does: both are run on the sample and on edge rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from modelport.compile.compare import TOLERANCE, Parity, compare, compare_rows, describe, rectangular, row_of
from modelport.compile.compiled import Adopted, Compiled, Outputs
from modelport.compile.edges import edges
from modelport.compile.pieces import answered, in_pieces
from modelport.compile.sample import Sample
from modelport.core.manifest import FORMAT, FileEntry, Manifest, Parameters
from modelport.errors import BundleCorrupt, ModelFailed, ParityError
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch, concat
from modelport.runtimes.dtypes import conform
from modelport.runtimes.registry import runtime

__all__ = ["TOLERANCE", "Parity", "Trial", "compare", "judge", "loaded", "manifest_of", "trial"]

Original = Callable[[Batch], Outputs]


@dataclass(frozen=True, slots=True)
class Trial:
    """A compiled model with everything that was found out about it.

    `given` are the rows as the original took them, `taken` the same rows in the signature's dtypes,
    `agreed` tells which rows are alike in every output, near-ties not among them.
    """

    predictor: Predictor
    given: Batch
    taken: Batch
    expected: Outputs
    agreed: Array
    parity: Parity


@dataclass(frozen=True, slots=True)
class _Loose:
    """A compiled model's files before there is a bundle."""

    manifest: Manifest
    compiled: Compiled

    def read(self, path: str) -> bytes:
        try:
            return self.compiled.files[path]
        except KeyError:
            msg = f"the compiled model has no file {path!r}"
            raise BundleCorrupt(msg) from None


def manifest_of(compiled: Compiled, parameters: Parameters | None = None) -> Manifest:
    """The identity document of a compiled model, its files not yet listed."""
    return Manifest(
        format=FORMAT,
        runtime=compiled.runtime,
        task=compiled.task,
        signature=compiled.signature,
        labels=compiled.labels,
        steps=compiled.steps,
        parameters=parameters or Parameters(),
        files=(),
    )


def judge(adopted: Adopted, compiled: Compiled, sample: Sample, tolerance: float = TOLERANCE) -> Parity:
    """Runs both models on the sample and on generated edge rows.

    Raises `ParityError`, with the worst rows in its message, when any answer differs beyond `tolerance`.
    """
    return trial(adopted, compiled, sample, tolerance).parity


def trial(adopted: Adopted, compiled: Compiled, sample: Sample, tolerance: float = TOLERANCE) -> Trial:
    """As `judge`, keeping the rows and the loaded model."""
    predictor = loaded(compiled)
    inputs = compiled.signature.inputs
    with warnings.catch_warnings():
        # Edge rows are meant to be odd; what a model mutters about them is no news to its owner.
        warnings.simplefilter("ignore")
        given, expected, refused = _answered(in_pieces(adopted.original), sample.batch, edges(sample, inputs))
    taken = conform(given, inputs)
    got = rectangular(_answers(predictor, taken), expected)
    edge_rows = given.rows - len(sample)
    parity, agreed = compare_rows(expected, got, given, tolerance, edge_rows=edge_rows, refused=refused)
    if not parity.holds:
        raise ParityError(describe(parity), hint="nothing was packed; the rows above show what differs")
    return Trial(predictor, given, taken, expected, agreed, parity)


def loaded(compiled: Compiled) -> Predictor:
    """The predictor of a compiled model before there is a bundle. Its graphs must have passed the audit."""
    files = tuple(FileEntry(path, "", len(data)) for path, data in sorted(compiled.files.items()))
    manifest = msgspec.structs.replace(manifest_of(compiled), files=files)
    return runtime(compiled.runtime).load(_Loose(manifest, compiled))


def _answered(original: Original, sample: Batch, generated: Batch) -> tuple[Batch, Outputs, int]:
    """Sample and edge rows with the original's answers, and how many edge rows it refuses.

    Edge rows that the original refuses prove nothing about the compiled model; a sample row it refuses is
    its owner's to know, so that error passes.
    """
    parts = [(sample, original(sample)), *_accepted(original, generated)]
    given = concat([rows for rows, _ in parts])
    names = parts[0][1]
    expected = {name: np.concatenate([answers[name] for _, answers in parts]) for name in names}
    return given, expected, sample.rows + generated.rows - given.rows


def _accepted(original: Original, rows: Batch) -> list[tuple[Batch, Outputs]]:
    """The runs of rows that the original takes, found by halving, with its answers."""
    if not rows.rows:
        return []
    try:
        return [(rows, original(rows))]
    except Exception:  # noqa: BLE001 (whatever somebody's model raises, it means: not these rows)
        if rows.rows == 1:
            return []
    middle = rows.rows // 2
    halves = _pick(rows, range(middle)), _pick(rows, range(middle, rows.rows))
    return [part for half in halves for part in _accepted(original, half)]


def _answers(predictor: Predictor, rows: Batch) -> Batch:
    """The compiled model's answers. Raises `ParityError` naming a row it refuses and the original takes."""
    try:
        return answered(predictor, rows)
    except ModelFailed:
        place = next((place for place in range(rows.rows) if not _runs(predictor, rows, place)), 0)
        msg = f"the compiled model refuses a row that the original answers: {row_of(rows, place)}"
        raise ParityError(msg[:2000]) from None


def _runs(predictor: Predictor, rows: Batch, place: int) -> bool:
    try:
        predictor.predict(_pick(rows, [place]))
    except ModelFailed:
        return False
    return True


def _pick(batch: Batch, places: Sequence[int]) -> Batch:
    chosen = np.asarray(places, np.int64)
    return Batch(len(chosen), {name: batch.array(name)[chosen] for name in batch.tensors})
