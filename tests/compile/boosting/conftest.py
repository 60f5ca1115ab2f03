from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from modelport.compile.compiled import Compiled, Outputs
from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.runtimes.batch import Batch
from modelport.runtimes.dtypes import conform
from modelport.runtimes.onnx import open_session
from modelport.runtimes.steps import registry as steps

Run = Callable[[Compiled, Batch], Outputs]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small models on many threads wait for each other most of the time."""
    with threadpool_limits(1):
        yield


def _proven(model: Any, rows: Any) -> Packed:
    packed = pack(model, name="boosted", sample=rows)
    assert packed.parity.holds
    assert packed.parity.edge_rows > 50
    return packed


@pytest.fixture
def proven() -> Callable[[Any, Any], Packed]:
    """A model packed on its own rows: parity held on all of them and on edge rows."""
    return _proven


@pytest.fixture
def run() -> Run:
    """Answers of a compiled model to a batch, by ONNX Runtime."""

    def answer(compiled: Compiled, batch: Batch) -> Outputs:
        for step in steps.build(compiled.steps):
            batch = step.apply(batch)
        fed = conform(batch, compiled.signature.inputs)
        names = [field.name for field in compiled.signature.outputs]
        session = open_session(compiled.files["model/graph.onnx"])
        return dict(zip(names, session.run(names, dict(fed.tensors)), strict=True))

    return answer


@pytest.fixture
def holes() -> Callable[[Any, float], Any]:
    """Real rows with a share of their cells gone, the same ones every time."""

    def punch(table: Any, share: float) -> Any:
        gone = np.random.default_rng(0).random(table.shape) < share
        return np.where(gone, np.nan, table)

    return punch
