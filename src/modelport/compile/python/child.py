"""A Python model tried in a process of its own: `python -P -m modelport.compile.python.child FOLDER`.

The folder holds `code/` (the files that go into the bundle, and nothing else), `trial.json` and `rows`; what
the model answers is written to `answers`, or `error.json` says why there is none.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.compile.python.exchange import Answers, Failure, Trial, read, write
from modelport.core.signature import Item
from modelport.errors import ModelportError
from modelport.runtimes.batch import Array, Batch, cut
from modelport.runtimes.python.entry import Predict, load
from modelport.runtimes.python.exchange import array, given, named

_ROWS = (1, 32, 128)
_SECONDS = 0.2


def main(argv: list[str]) -> int:
    """Try the model; 0 when it answered."""
    folder = Path(argv[1])
    trial = msgspec.json.decode((folder / "trial.json").read_bytes(), type=Trial)
    os.chdir(folder / "code")
    try:
        answers = _answers(trial, read(folder / "rows"), load(trial.model, folder / "code"))
    except BaseException as error:  # noqa: BLE001 - whatever it is, who packs the model is told
        (folder / "error.json").write_bytes(msgspec.json.encode(_failure(error)))
        return 1
    write(folder / "answers", answers.batch)
    (folder / "answers.json").write_bytes(msgspec.json.encode(answers.known))
    return 0


class _Tried:
    """Answers, and what is known of them."""

    def __init__(self, batch: Batch, known: Answers) -> None:
        self.batch = batch
        self.known = known


def _answers(trial: Trial, rows: Batch, predict: Predict) -> _Tried:
    parts = [cut(rows, start, stop) for start, stop in _cuts(rows.rows, trial.at_once)]
    asked = [_named(predict(given(trial.item, part)), trial) for part in parts]
    labels = _labels(predict)
    joined = {name: _joined([each[name] for each in asked]) for name in asked[0]}
    return _Tried(Batch(rows.rows, joined), Answers(labels, _timed(trial.item, rows, predict)))


def _named(answer: Any, trial: Trial) -> dict[str, Array]:
    return {name: array(values) for name, values in named(answer, trial.task).items()}


def _cuts(rows: int, at_once: int) -> list[tuple[int, int]]:
    size = at_once or rows
    return [(start, min(rows, start + size)) for start in range(0, rows, size)]


def _joined(parts: list[Array]) -> Array:
    """All rows; as plain lists where they differ in length."""
    if len({part.shape[1:] for part in parts}) == 1 and len({part.dtype.kind == "O" for part in parts}) == 1:
        return np.concatenate(parts)
    rows = [row for part in parts for row in part.tolist()]
    joined = np.empty(len(rows), object)
    joined[:] = rows
    return joined


def _labels(predict: Predict) -> list[Any] | None:
    """The labels that a model says it has, as scikit-learn's do."""
    owner = getattr(predict, "__self__", None)
    found = getattr(owner, "labels", getattr(owner, "classes_", None))
    return None if found is None or callable(found) else np.asarray(found).tolist()


def _timed(item: Item, rows: Batch, predict: Predict) -> dict[int, float]:
    """Median microseconds of a call, by rows."""
    return {count: _median(item, _tiled(rows, count), predict) for count in _ROWS}


def _median(item: Item, rows: Batch, predict: Predict) -> float:
    taken: list[float] = []
    stop = time.perf_counter() + _SECONDS
    while not taken or (time.perf_counter() < stop and len(taken) < 200):
        inputs = given(item, rows)
        start = time.perf_counter()
        predict(inputs)
        taken.append(time.perf_counter() - start)
    return round(float(np.median(taken)) * 1e6, 1)


def _tiled(rows: Batch, count: int) -> Batch:
    places = np.arange(count) % rows.rows
    return Batch(count, {name: rows.array(name)[places] for name in rows.tensors})


def _failure(error: BaseException) -> Failure:
    if isinstance(error, ModelportError):
        return Failure(error.message, error.code, error.hint)
    where = traceback.extract_tb(error.__traceback__)[-1]
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Failure(f"the model failed: {told} ({Path(where.filename).name}, line {where.lineno})")


if __name__ == "__main__":
    sys.exit(main(sys.argv))
