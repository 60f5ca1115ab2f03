"""Entities as a Python model answers them: per row a list of `{"text", "label", "start", "end", "score"}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelport.core.manifest import Label
from modelport.runtimes.batch import Array, Ragged

_NUMBERS = {"start": np.int64, "end": np.int64, "score": np.float32}


def tensors(rows: Sequence[Sequence[Mapping[str, Any]]], places: Mapping[Label, int]) -> dict[str, Ragged]:
    """The tensors of the task. Raises `KeyError`, `TypeError` or `ValueError` for what is no entity."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(row) for row in rows], dtype=np.int64)])
    flat = [entity for row in rows for entity in row]
    values: dict[str, Array] = {
        name: np.asarray([entity[name] for entity in flat], dtype) for name, dtype in _NUMBERS.items()
    }
    texts = np.empty(len(flat), object)
    texts[:] = [str(entity["text"]) for entity in flat]
    labels = np.asarray([places[entity["label"]] for entity in flat], np.int64)
    return {name: Ragged(each, offsets) for name, each in {"text": texts, "label": labels, **values}.items()}
