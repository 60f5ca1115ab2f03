"""A torch module that cannot be exported is packed as it is, and answers in a model host as it did here."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelport
from modelport.errors import Unsupported
from modelport.serving.settings import Settings
from modelport.testing.replica import replica

pytestmark = pytest.mark.extras

SOURCE = """
import torch
from torch import nn


class Halting(nn.Module):
    '''Goes on with every row until its own values say that it is enough.'''

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.step = nn.Linear(width, width)
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return torch.stack([self.head(self.calmed(row)) for row in x])

    def calmed(self, row):
        for _ in range(50):
            if row.norm().item() < 1.0:
                break
            row = 0.5 * torch.tanh(self.step(row)) + 0.4 * row
        return row
"""
ROWS = np.random.default_rng(7).normal(0, 3, (12, 4))


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module whose steps depend on its data, in a file of its own."""
    (tmp_path / "halting_net.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(importlib.sys.modules, "halting_net", raising=False)  # type: ignore[attr-defined]
    torch = importlib.import_module("torch")
    torch.manual_seed(3)
    return importlib.import_module("halting_net").Halting()


def test_a_module_that_export_refuses_is_served_as_it_is(net: Any, tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        modelport.pack(net, name="halting", sample=ROWS)
    packed = modelport.pack(net, name="halting", sample=ROWS, hosted=True)
    assert packed.manifest.executable
    assert packed.parity.holds
    assert "model/code/weights.safetensors" in packed.files
    packed.save(tmp_path / "halting.bundle").close()
    settings = Settings(bundles=(str(tmp_path / "halting.bundle"),), port=0, allow_python=True)
    with replica(tmp_path, settings) as running:
        running.wait_ready()
        with modelport.Client(running.url) as client:
            answers: Any = client.predict("halting", ROWS.tolist())
    torch = importlib.import_module("torch")
    expected = net.eval()(torch.from_numpy(ROWS).float()).detach().numpy()
    assert np.allclose([each.prediction for each in answers], expected, atol=1e-5)


def test_a_module_that_cannot_be_made_anew_says_what_to_give(net: Any) -> None:
    wide = type(net)(width=6)
    rows = np.ones((2, 6))
    with pytest.raises(Unsupported, match="other weights") as refused:
        modelport.pack(wide, name="wide", sample=rows, hosted=True)
    assert "arguments=" in refused.value.hint
    assert modelport.pack_python(wide, name="wide", sample=rows, arguments={"width": 6}).parity.holds


def test_what_is_compiled_is_not_hosted() -> None:
    with pytest.raises(Unsupported, match="not hosted"):
        modelport.pack(object(), name="thing", sample=ROWS, hosted=True)
