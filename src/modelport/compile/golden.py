"""Rows that travel with a bundle, so that every server can try whether it answers as it did here."""

from __future__ import annotations

import numpy as np

from modelport.compile.compiled import Compiled, Outputs
from modelport.compile.parity import Trial
from modelport.core.golden import Golden
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.golden import golden_of, replay

_GOLDEN_ROWS = 16
_GOLDEN_BYTES = 1 << 20


def golden(compiled: Compiled, proof: Trial) -> Golden:
    """Up to 16 rows that both models agree on, half of them edge rows, as the compiled one answers them."""
    places = _golden_places(proof)
    inputs = Batch(len(places), {name: proof.taken.array(name)[places] for name in proof.taken.tensors})
    answers = proof.predictor.predict(inputs)
    outputs = {field.name: answers[field.name] for field in compiled.signature.outputs}
    found = golden_of(inputs, outputs, proof.parity.tolerance)
    # A golden row that this very machine cannot replay would keep every server from getting ready.
    replay(proof.predictor, found, compiled.signature)
    return found


def _golden_places(proof: Trial) -> Array:
    usable = proof.agreed & _finite(proof.expected, proof.parity.rows) & _writable(proof.taken)
    sample_rows = proof.parity.rows - proof.parity.edge_rows
    places = np.flatnonzero(usable)
    common, edge = places[places < sample_rows], places[places >= sample_rows]
    some_edges = _spread(edge, _GOLDEN_ROWS // 2)
    chosen = np.concatenate([some_edges, _spread(common, _GOLDEN_ROWS - len(some_edges))])
    return np.sort(_affordable(chosen, _sizes(proof.taken)))


def _affordable(places: Array, sizes: Array) -> Array:
    """Those that go into a document of bounded size; the smallest alone where none does."""
    kept = places[np.cumsum(sizes[places]) <= _GOLDEN_BYTES]
    return kept if len(kept) else places[np.argsort(sizes[places])[:1]]


def _sizes(batch: Batch) -> Array:
    """Bytes of every row."""
    return np.asarray(np.sum([_row_sizes(batch.array(name)) for name in batch.tensors], axis=0))


def _row_sizes(values: Array) -> Array:
    if values.dtype == object:
        return np.array([len(each) if isinstance(each, str | bytes) else 8 for each in values.ravel()])
    return np.full(len(values), values[:1].nbytes)


def _spread(places: Array, most: int) -> Array:
    chosen = np.linspace(0, len(places) - 1, min(most, len(places))).astype(np.int64)
    return places[chosen] if len(places) else places


def _finite(answers: Outputs, rows: int) -> Array:
    """Rows whose every number is one."""
    floats = (each for each in answers.values() if each.dtype.kind == "f")
    each_finite = [np.isfinite(each).reshape(rows, -1).all(axis=1) for each in floats]
    return np.asarray(np.logical_and.reduce([np.ones(rows, np.bool_), *each_finite]))


def _writable(batch: Batch) -> Array:
    """Rows that JSON can carry: null is a missing number, but there is no word for an infinity."""
    floats = (batch.array(name) for name in batch.tensors if batch.array(name).dtype.kind == "f")
    rows = [~np.isinf(each).reshape(batch.rows, -1).any(axis=1) for each in floats]
    return np.asarray(np.logical_and.reduce([np.ones(batch.rows, np.bool_), *rows]))
