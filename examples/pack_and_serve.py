"""Fit a model with categories and missing values on real data, pack it, and serve it.

    python examples/pack_and_serve.py             # writes progression.bundle
    python examples/pack_and_serve.py --serve     # and serves it until Ctrl-C

The data is scikit-learn's diabetes set: 442 patients, ten measurements, and how far the disease had
progressed a year later. The model says whether that is above the median.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import modelport

LABELS = ["stable", "progresses"]


def patients() -> tuple[pd.DataFrame, pd.Series]:
    """Ten measurements per patient, some blood pressures absent, and whether the disease progressed."""
    rows, progress = load_diabetes(as_frame=True, scaled=False, return_X_y=True)
    rows["sex"] = rows["sex"].map({1.0: "first", 2.0: "second"})  # the set does not say which is which
    rows.loc[rows.index % 20 == 0, "bp"] = None
    return rows, (progress > progress.median()).astype(int)


def fit(rows: pd.DataFrame, target: pd.Series) -> Any:
    """A pipeline as people write it: categories one-hot, gaps filled, numbers scaled, then a linear model."""
    numbers = [name for name in rows.columns if name != "sex"]
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["sex"]),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000)).fit(rows, target)


def pack(folder: Path) -> Path:
    """Compile the model, prove on the sample that it answers the same, and write the bundle."""
    rows, target = patients()
    packed = modelport.pack(
        fit(rows, target), name="progression", sample=rows[:300], labels=LABELS, version="1.0.0"
    )
    with packed.save(folder / "progression.bundle") as bundle:
        print(f"packed {bundle.about.name}: identity {bundle.identity[:12]}")
    print(f"labels agree on {packed.parity.label_agreement:.1%} of {packed.parity.rows} rows")
    print(f"one row: {packed.speed.timings[0].ratio:.0f} times as fast as the original")
    return folder / "progression.bundle"


def main() -> int:
    """Pack into the working directory; with `--serve`, serve what was packed."""
    path = pack(Path.cwd())
    item = patients()[0].iloc[1].to_dict()
    print(f"serve it:  modelport serve {path.name}")
    print(f"ask it:    modelport predict progression --json '{json.dumps(item)}'")
    if "--serve" not in sys.argv[1:]:
        return 0
    return subprocess.call([sys.executable, "-m", "modelport.cli", "serve", str(path)])


if __name__ == "__main__":
    sys.exit(main())
