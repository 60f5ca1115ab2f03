from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelport.compile.compiled import Adopted, Compiled, Outputs
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.dtypes import conform
from modelport.runtimes.onnx import open_session
from modelport.runtimes.steps import registry as steps

Run = Callable[[Compiled, Batch], Outputs]
Hold = Callable[[Adopted, Batch], str]


def _run(compiled: Compiled, batch: Batch) -> Outputs:
    for step in steps.build(compiled.steps):
        batch = step.apply(batch)
    fed = conform(batch, compiled.signature.inputs)
    names = [field.name for field in compiled.signature.outputs]
    session = open_session(compiled.files["model/graph.onnx"])
    return dict(zip(names, session.run(names, dict(fed.tensors)), strict=True))


def difference(got: Array, want: Array) -> float:
    """The largest difference over all cells, relative above 1; infinite where only one of the two is NaN."""
    assert got.shape == want.shape
    if not np.array_equal(np.isnan(got), np.isnan(want)):
        return np.inf
    present = ~np.isnan(want)
    return float(np.max(np.abs(got - want)[present] / np.maximum(1, np.abs(want[present])), initial=0))


def _same(got: Outputs, want: Outputs) -> bool:
    assert got.keys() == want.keys()
    indices = ("label", "labels", "cluster")
    return all(
        np.array_equal(got[name], want[name]) if name in indices else difference(got[name], want[name]) < 1e-4
        for name in want
    )


def _hold(adopted: Adopted, batch: Batch) -> str:
    want = adopted.original(batch)
    for candidate in adopted.candidates:
        if _same(_run(candidate.build(), batch), want):
            return candidate.name
    return "none"


@pytest.fixture
def run() -> Run:
    """Answers of a compiled model to a batch, by ONNX Runtime."""
    return _run


@pytest.fixture
def first_that_holds() -> Hold:
    """Name of the first candidate that answers every row of a batch as the original does."""
    return _hold


@pytest.fixture
def holes() -> Callable[[Any, float], Any]:
    """Real rows with a share of their cells gone, the same ones every time."""

    def punch(table: Any, share: float) -> Any:
        gone = np.random.default_rng(0).random(table.shape) < share
        if hasattr(table, "mask"):
            return table.mask(gone)
        return np.where(gone, np.nan, table)

    return punch
