"""Loaded transformers: tokens by the bundle's tokenizer, answers by its graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelport.runtimes.base import TRUNCATED
from modelport.runtimes.batch import Array, Batch, Tensor
from modelport.runtimes.transformer import entities
from modelport.runtimes.transformer.graph import IDS, TYPES, Graph, ragged_of
from modelport.runtimes.transformer.spec import Transformer
from modelport.runtimes.transformer.tokens import Tokens, ragged

INPUT = "text"
"""Name of the one input tensor."""


class TransformerPredictor:
    """A loaded encoder. Thread-safe; a row's answer does not depend on the rows beside it."""

    def __init__(self, spec: Transformer, tokens: Tokens, graph: Graph) -> None:
        self._spec = spec
        self._tokens = tokens
        self._graph = graph
        self.shorten = tokens.shorten

    def predict(self, batch: Batch) -> Batch:
        """The answers to the texts in the tensor `text`, an object array `[n]` of `str`."""
        return self.compute(self.prepare(batch))

    def prepare(self, batch: Batch) -> Batch:
        """The texts as tokens: `input_ids`, `token_type_ids` where the graph takes them, and `truncated`."""
        return Batch(batch.rows, self._numbered(self._tokens.numbers(batch.array(INPUT).tolist())))

    def lengths(self, prepared: Batch) -> Array:
        """Tokens of each row, those that the tokenizer adds included."""
        return np.diff(ragged_of(prepared, IDS).offsets)

    def compute(self, prepared: Batch) -> Batch:
        """The answers, with `truncated` beside them: rows that the model's own maximum has cut."""
        return Batch(prepared.rows, {**self._graph.answers(prepared), TRUNCATED: prepared[TRUNCATED]})

    def _numbered(self, encodings: Sequence[Any]) -> dict[str, Tensor]:
        ids = ragged([each.ids for each in encodings])
        found: dict[str, Tensor] = {IDS: ids}
        if TYPES in self._spec.feeds:
            found[TYPES] = ragged([each.type_ids for each in encodings])
        found[TRUNCATED] = self._tokens.cut(encodings, np.diff(ids.offsets))
        return found


class EntityPredictor(TransformerPredictor):
    """A loaded encoder whose graph names a class for every token."""

    def prepare(self, batch: Batch) -> Batch:
        """As above, with the texts themselves and where their words stand."""
        texts: list[str] = batch.array(INPUT).tolist()
        encodings = self._tokens.places(texts)
        found = self._numbered(encodings) | entities.words(encodings, texts)
        return Batch(batch.rows, {**found, INPUT: batch.array(INPUT)})

    def compute(self, prepared: Batch) -> Batch:
        """The entities of every row, and `truncated`."""
        tokens: dict[int, tuple[Array, Array]] = {}
        for places, (classes, scores) in self._graph.rectangles(prepared):
            tokens.update({row: (classes[at], scores[at]) for at, row in enumerate(places.tolist())})
        found = entities.of_batch(self._spec.tags, prepared, tokens)
        return Batch(prepared.rows, {**found, TRUNCATED: prepared[TRUNCATED]})
