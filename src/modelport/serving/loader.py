"""From a slot in a plan to a warm predictor: open, verify, audit, load, replay golden rows. In a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from modelport.core.manifest import Manifest
from modelport.core.plan import SlotSpec
from modelport.core.signature import Field
from modelport.errors import BundleRefused
from modelport.runtimes.base import Predictor, Staged
from modelport.runtimes.batch import Array, Batch
from modelport.serving.codecs.tensors import NUMPY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WARM_SIZES = (1, 1, 1, 8, 32)
_WARM_SHAPES = ((1, 4), (1, 4), (4, 4), (1, 16), (4, 16), (1, 64), (1, 192))
"""Rows, and words in each, for models whose rows cost what they are long."""
_WARM_SECONDS = 0.5
"""Enough of measuring; traffic tells the rest."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A loaded, proven bundle."""

    manifest: Manifest
    identity: str
    predictor: Predictor
    costs: tuple[tuple[int, int, float], ...]
    """Measured (rows, length, seconds), so that the first requests already know what a batch costs."""


def load(spec: SlotSpec, *, threads: int, allow_python: bool) -> Warm:
    """Load and warm a slot's bundle; raises a `ModelportError` with the reason when it cannot serve."""
    from modelport.bundle.reader import open_bundle
    from modelport.runtimes.load import load as construct
    from modelport.runtimes.load import replay

    with open_bundle(Path(spec.bundle), identity=spec.identity or None) as bundle:
        if bundle.executable and not allow_python:
            msg = f"the bundle of {spec.id} holds executable code"
            raise BundleRefused(
                msg, code="executable-refused", hint="serve it with --allow-python if you trust it"
            )
        predictor = construct(bundle, threads)
        golden = bundle.golden()
        manifest, identity = bundle.manifest, bundle.identity
    if golden is not None:
        replay(predictor, golden, manifest.signature)
    return Warm(manifest, identity, predictor, tuple(_measure(predictor, manifest)))


def _measure(predictor: Predictor, manifest: Manifest) -> Iterator[tuple[int, int, float]]:
    """Cost of a few batches of blank rows; a model that refuses them is measured by its traffic."""
    try:
        if isinstance(predictor, Staged):
            yield from _staged(predictor, manifest)
        else:
            yield from _plain(predictor, manifest)
    except Exception:  # noqa: BLE001 - blank rows are ours, not the caller's: no evidence against the model
        return


def _plain(predictor: Predictor, manifest: Manifest) -> Iterator[tuple[int, int, float]]:
    for rows in _WARM_SIZES:
        batch = Batch(rows, {item.name: _blank(item, rows) for item in manifest.signature.inputs})
        yield rows, 1, _timed(predictor.predict, batch)


def _staged(predictor: Staged, manifest: Manifest) -> Iterator[tuple[int, int, float]]:
    spent = 0.0
    for rows, words in _WARM_SHAPES:
        batch = Batch(rows, {item.name: _words(rows, words) for item in manifest.signature.inputs})
        prepared = predictor.prepare(batch)
        seconds = _timed(predictor.compute, prepared)
        yield rows, int(predictor.lengths(prepared).max()), seconds
        spent += seconds
        if spent > _WARM_SECONDS:
            return


def _timed(work: Callable[[Batch], Batch], batch: Batch) -> float:
    started = perf_counter()
    work(batch)
    return perf_counter() - started


def _words(rows: int, words: int) -> Array:
    return np.full((rows,), " ".join(["word"] * words), object)


def _blank(item: Field, rows: int) -> Array:
    shape = (rows, *(max(size, 1) for size in item.shape[1:]))
    if item.dtype == "BYTES":
        text = str(item.categories[0]) if item.categories else "a few words of text"
        return np.full(shape, text, object)
    return np.zeros(shape, NUMPY[item.dtype])
