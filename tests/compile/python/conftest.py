"""Modules of Python models, in the folder that is worked in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

MODULE = """
from pathlib import Path
import numpy as np
from own_scale import scale

class Weighs:
    labels = ["no", "yes"]

    def load(self):
        self.weights = np.load(Path(__file__).with_name("weights.npy"))

    def predict(self, inputs):
        sure = 1 / (1 + np.exp(-scale(inputs @ self.weights)))
        label = np.where(sure > 0.5, "yes", "no")
        return {"label": label, "probabilities": np.stack([1 - sure, sure], axis=1)}

def lengths(texts):
    return [len(text) for text in texts]

def mood(texts):
    return ["long" if len(text) > 5 else "short" for text in texts]

def guess(inputs):
    return np.random.rand(len(inputs))

def centred(inputs):
    return inputs.sum(axis=1) - inputs.mean()

def table(inputs):
    return inputs["a"] * 2 + (inputs["b"] == "x")

def chances(inputs):
    return {"label": ["a"] * len(inputs), "probabilities": [[0.5, 0.5]] * len(inputs)}

def fails(inputs):
    raise ValueError("no such thing")

def ends(inputs):
    import os
    os._exit(3)

async def later(inputs):
    return inputs
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with `own_module.py`, what it imports, and its weights."""
    (tmp_path / "own_module.py").write_text(MODULE)
    (tmp_path / "own_scale.py").write_text("def scale(x):\n    return x * 2\n")
    np.save(tmp_path / "weights.npy", np.array([1.0, -1.0]))
    monkeypatch.chdir(tmp_path)
    return tmp_path
