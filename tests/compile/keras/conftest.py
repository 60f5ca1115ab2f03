"""Rows for Keras models, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples as files, by what they hold."""
    folder, rng = tmp_path_factory.mktemp("rows"), np.random.default_rng(0)

    def lines(name: str, cells: Any, key: str = "input") -> None:
        text = "\n".join(json.dumps({key: cell.tolist()}) for cell in cells)
        (folder / f"{name}.jsonl").write_text(text)

    table = "\n".join(",".join(f"{cell:.4f}" for cell in row) for row in rng.normal(size=(24, 4)))
    (folder / "four.csv").write_text(f"a,b,c,d\n{table}\n")
    (folder / "people.csv").write_text("age,city,code\n3,rome,3\n55.5,oslo,7\n70,paris,1\n12,córdoba,9\n")
    (folder / "texts.txt").write_text("good\nbad day\n")
    lines("pictures", rng.uniform(0, 255, (6, 8, 8, 3)))
    lines("small", rng.normal(size=(5, 4, 4, 2)))
    lines("steps", rng.normal(size=(6, 7, 3)))
    lines("attended", rng.normal(size=(6, 6, 8)))
    lines("tokens", rng.integers(1, 50, (6, 9)))
    return folder
