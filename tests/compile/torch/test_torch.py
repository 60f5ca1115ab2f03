"""PyTorch modules: every kind keeps its answers, or is refused with what to change."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelport.compile.pack import pack
from modelport.compile.packed import Packed
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.load import load

pytestmark = [pytest.mark.extras, pytest.mark.filterwarnings("ignore")]

RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def torch() -> Any:
    found = importlib.import_module("torch")
    found.manual_seed(0)
    found.set_num_threads(1)
    return found


@pytest.fixture(scope="module")
def modules(torch: Any) -> Any:
    """The modules beside this file, imported now that torch is there."""
    path = Path(__file__).with_name("modules.py")
    spec = importlib.util.spec_from_file_location("torch_modules", path)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules["torch_modules"] = found
    spec.loader.exec_module(found)
    return found


def floats(*shape: int) -> Array:
    return RNG.normal(size=shape).astype(np.float32)


def tokens(*shape: int) -> Array:
    return RNG.integers(0, 50, shape)


def sentences(lengths: list[int]) -> list[dict[str, Array]]:
    return [{"tokens": tokens(length), "mask": np.ones(length, np.int64)} for length in lengths]


Made = Callable[[], dict[str, Any]]

KEPT: dict[str, tuple[Made, str]] = {
    "ResidualMlp": (lambda: {"sample": floats(20, 8), "labels": ["a", "b", "c"]}, "vector"),
    "ConvNet": (lambda: {"sample": floats(6, 1, 12, 12), "task": "classification"}, "tensors"),
    "Temporal": (
        lambda: {"sample": [{"series": floats(n, 4)} for n in (9, 9, 12, 20)], "task": "regression"},
        "tensors",
    ),
    "Lstm": (
        lambda: {"sample": [{"series": floats(n, 4)} for n in (5, 5, 9)], "labels": ["no", "yes"]},
        "tensors",
    ),
    "Gru": (lambda: {"sample": {"series": floats(6, 5, 4)}, "task": "regression"}, "tensors"),
    "Attention": (
        lambda: {"sample": sentences([4, 4, 4, 7, 7, 12]), "labels": ["x", "y", "z"]},
        "tensors",
    ),
    "Bag": (lambda: {"sample": tokens(20, 6), "labels": ["no", "yes"]}, "vector"),
    "WideAndDeep": (
        lambda: {
            "sample": {"numbers": floats(9, 5), "city": RNG.integers(0, 7, 9)},
            "labels": ["stays", "leaves"],
        },
        "tensors",
    ),
    "Columns": (
        lambda: {
            "sample": {"income": (RNG.random(9) * 900).tolist(), "age": list(range(20, 29))},
            "task": "regression",
        },
        "columns",
    ),
    "Heads": (lambda: {"sample": floats(9, 6)}, "vector"),
    "Gaussian": (lambda: {"sample": floats(9, 6)}, "vector"),
    "UNet": (
        lambda: {"sample": [{"pixels": floats(3, n, m)} for n, m in ((8, 8), (8, 8), (12, 6))]},
        "tensors",
    ),
    "Distances": (lambda: {"sample": floats(9, 6)}, "vector"),
    "Choice": (lambda: {"sample": floats(9, 6), "labels": ["a", "b", "c"]}, "vector"),
    "Shortcut": (lambda: {"sample": floats(9, 6), "labels": ["a", "b", "c"]}, "vector"),
    "Steps": (lambda: {"sample": floats(5, 7, 4), "task": "transform"}, "tensors"),
    "Unused": (lambda: {"sample": {"x": floats(5, 6), "y": floats(5, 6)}}, "tensors"),
    "Changing": (lambda: {"sample": floats(9, 6), "task": "transform"}, "vector"),
}


@pytest.mark.parametrize("name", KEPT)
def test_every_kind_of_module_keeps_its_answers(modules: Any, torch: Any, tmp_path: Path, name: str) -> None:
    """Packed, proven, written, opened, audited and asked again with another number of rows."""
    made, item = KEPT[name]
    module = getattr(modules, name)()
    module.train()
    packed = pack(module, name="small", **made())
    assert packed.parity.holds
    assert packed.manifest.signature.item == item
    assert module.training, "the caller's module stays as it was"
    with packed.save(tmp_path / "small.bundle") as bundle:
        assert load(bundle).predict(_rows(packed, 7)).rows == 7


def _rows(packed: Packed, rows: int) -> Batch:
    """New rows of the sizes that the signature names."""
    from modelport.runtimes.dtypes import NUMPY

    shapes = {
        field.name: (rows, *(8 if size == -1 else size for size in field.shape[1:]))
        for field in packed.manifest.signature.inputs
    }
    fields = {field.name: field for field in packed.manifest.signature.inputs}
    return Batch(rows, {name: np.ones(shape, NUMPY[fields[name].dtype]) for name, shape in shapes.items()})


REFUSED: dict[str, tuple[Made, str]] = {
    "Counting": (lambda: {"sample": floats(5, 6)}, "keeps-state"),
    "Noisy": (lambda: {"sample": floats(5, 6)}, "random-answers"),
    "BatchStatistics": (lambda: {"sample": floats(5, 6)}, "mixes-rows"),
    "Squeezed": (lambda: {"sample": floats(5, 6)}, "mixes-rows"),
    "TimeFirst": (lambda: {"sample": floats(5, 6, 4)}, "no-rows-dimension"),
    "FixedRows": (lambda: {"sample": floats(3, 6)}, "fixed-size"),
    "Spectrum": (lambda: {"sample": floats(5, 6)}, "unsupported-operator"),
    "Reading": (lambda: {"sample": np.ones((5, 6), np.float32)}, "data-dependent"),
    "Complex": (lambda: {"sample": floats(5, 6)}, "unsupported-output"),
    "Words": (lambda: {"sample": floats(5, 6)}, "unsupported-output"),
    "Neighbours": (lambda: {"sample": floats(5, 6)}, "unsupported-operator"),
    "Lstm": (lambda: {"sample": ["a text", "another"]}, "sample-mismatch"),
    "Gru": (lambda: {"sample": {"other": floats(5, 6), "series": floats(5, 6, 4)}}, "sample-mismatch"),
    "Bag": (lambda: {"sample": floats(5, 6)}, "sample-mismatch"),
    "ResidualMlp": (lambda: {"sample": floats(1, 8)}, "sample-mismatch"),
    "Heads": (lambda: {"sample": floats(5, 6), "task": "clustering"}, "task-mismatch"),
    "ConvNet": (lambda: {"sample": floats(5, 1, 12, 12), "labels": ["one", "two"]}, "labels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_module_that_cannot_be_served_exactly_is_refused(modules: Any, name: str) -> None:
    """Each with its own reason, and with what to change."""
    made, code = REFUSED[name]
    with pytest.raises(Unsupported) as caught:
        pack(getattr(modules, name)(), name="small", **made())
    assert caught.value.code == code, caught.value
    assert caught.value.hint
