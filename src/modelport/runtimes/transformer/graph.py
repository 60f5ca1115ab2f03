"""The graph of an encoder, run on rectangles of rows of like length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from modelport.errors import ModelFailed
from modelport.runtimes.batch import Array, Batch, Ragged
from modelport.runtimes.transformer.padding import Integers, padded, runs
from modelport.runtimes.transformer.spec import Transformer

IDS = "input_ids"
TYPES = "token_type_ids"
MASK = "attention_mask"

_NO_TOKENS = Ragged(np.zeros(0, np.int64), np.zeros(2, np.int64))
_EMPTY_TEXT = Batch(1, {IDS: _NO_TOKENS, TYPES: _NO_TOKENS})


class Graph:
    """What an encoder computes. Thread-safe; a row's answer does not depend on the rows beside it."""

    def __init__(self, spec: Transformer, run: Callable[..., list[Array]], outputs: Sequence[str]) -> None:
        self._spec = spec
        self._run = run
        self._outputs = list(outputs)

    def answers(self, prepared: Batch) -> dict[str, Array]:
        """The outputs of every row, in the order of the rows."""
        if not prepared.rows:  # no graph is made for no rows: what an empty text gets tells the shapes
            return {name: values[:0] for name, values in self.answers(_EMPTY_TEXT).items()}
        places, parts = zip(*self.rectangles(prepared), strict=True)
        back = np.argsort(np.concatenate(places), kind="stable")
        return {
            name: np.concatenate([part[at] for part in parts])[back] for at, name in enumerate(self._outputs)
        }

    def rectangles(self, prepared: Batch) -> Iterator[tuple[Integers, list[Array]]]:
        """The outputs of all rows, some of like length at a time, with the places of those rows."""
        for places in runs(np.diff(ragged_of(prepared, IDS).offsets)):
            yield places, self._rectangle(prepared, places)

    def _rectangle(self, prepared: Batch, places: Integers) -> list[Array]:
        ids, own = padded(ragged_of(prepared, IDS), places, self._spec.pad)
        feeds = {IDS: ids}
        if MASK in self._spec.feeds:
            feeds[MASK] = own.astype(np.int64)
        if TYPES in self._spec.feeds:
            feeds[TYPES] = padded(ragged_of(prepared, TYPES), places, 0)[0]
        try:
            return self._run(self._outputs, feeds)
        except Exception as error:
            msg = "the model could not answer these texts"
            raise ModelFailed(msg) from error


def ragged_of(batch: Batch, name: str) -> Ragged:
    """The ragged tensor `name`."""
    tensor = batch[name]
    assert isinstance(tensor, Ragged)
    return tensor
