"""From a slot in a plan to a warm predictor: open, verify, audit, load, replay golden rows. In a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modelport.core.manifest import Manifest
from modelport.core.plan import SlotSpec
from modelport.core.signature import Field
from modelport.errors import BundleRefused
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.serving.codecs.tensors import NUMPY

if TYPE_CHECKING:
    from collections.abc import Iterator

_WARM_SIZES = (1, 1, 1, 8, 32)


@dataclass(frozen=True, slots=True)
class Warm:
    """A loaded, proven bundle."""

    manifest: Manifest
    identity: str
    predictor: Predictor
    costs: tuple[tuple[int, float], ...]
    """Measured (rows, seconds), so that the first requests already know what runs on the loop."""


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


def _measure(predictor: Predictor, manifest: Manifest) -> Iterator[tuple[int, float]]:
    """Cost of a few batch sizes, on blank rows; a model that refuses them is measured by its traffic."""
    from time import perf_counter

    for rows in _WARM_SIZES:
        batch = Batch(rows, {item.name: _blank(item, rows) for item in manifest.signature.inputs})
        started = perf_counter()
        try:
            predictor.predict(batch)
        except Exception:  # noqa: BLE001 - blank rows are ours, not the caller's: no evidence against the model
            return
        yield rows, perf_counter() - started


def _blank(item: Field, rows: int) -> Array:
    shape = (rows, *(max(size, 1) for size in item.shape[1:]))
    if item.dtype == "BYTES":
        text = str(item.categories[0]) if item.categories else "a few words of text"
        return np.full(shape, text, object)
    return np.zeros(shape, NUMPY[item.dtype])
