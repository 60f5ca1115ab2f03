"""The transformer runtime: tokens by the bundle's tokenizer, answers by its graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from modelport.errors import BundleCorrupt, ModelFailed
from modelport.runtimes.base import TRUNCATED, Files
from modelport.runtimes.batch import Array, Batch, Ragged
from modelport.runtimes.onnx import GRAPH, open_session, weights_beside
from modelport.runtimes.transformer import audit, tokens
from modelport.runtimes.transformer.padding import Integers, padded, runs
from modelport.runtimes.transformer.spec import MAX_LENGTH, PATH, TOKENIZER, Transformer

INPUT = "text"
"""Name of the one input tensor."""

IDS = "input_ids"
TYPES = "token_type_ids"
MASK = "attention_mask"


_ONE = np.ones(1, np.int64)
_NO_TOKENS = Ragged(np.zeros(0, np.int64), np.zeros(2, np.int64))
_EMPTY_TEXT = Batch(1, {IDS: _NO_TOKENS, TYPES: _NO_TOKENS})


class TransformerPredictor:
    """A loaded encoder. Thread-safe; a row's answer does not depend on the rows beside it."""

    def __init__(self, spec: Transformer, reader: tokens.Tokens, graph: Graph) -> None:
        self._spec = spec
        self._tokens = reader
        self._graph = graph
        self.shorten = reader.shorten

    def predict(self, batch: Batch) -> Batch:
        """The answers to the texts in the tensor `text`, an object array `[n]` of `str`."""
        return self.compute(self.prepare(batch))

    def prepare(self, batch: Batch) -> Batch:
        """The texts as tokens: `input_ids`, `token_type_ids` where the graph takes them, and `truncated`."""
        encodings = self._tokens.numbers(batch.array(INPUT).tolist())
        ids = tokens.ragged([each.ids for each in encodings])
        found: dict[str, Any] = {IDS: ids}
        if TYPES in self._spec.feeds:
            found[TYPES] = tokens.ragged([each.type_ids for each in encodings])
        found[TRUNCATED] = self._tokens.cut(encodings, np.diff(ids.offsets))
        return Batch(batch.rows, found)

    def lengths(self, prepared: Batch) -> Array:
        """Tokens of each row, those that the tokenizer adds included."""
        return np.diff(_ragged(prepared, IDS).offsets)

    def compute(self, prepared: Batch) -> Batch:
        """The answers, with `truncated` beside them: rows that the model's own maximum has cut."""
        answers = self._graph.answers(prepared, self.lengths(prepared))
        return Batch(prepared.rows, {**answers, TRUNCATED: prepared[TRUNCATED]})


class Graph:
    """The graph of an encoder, run on rectangles of rows of like length."""

    def __init__(self, spec: Transformer, run: Callable[..., list[Array]], outputs: Sequence[str]) -> None:
        self._spec = spec
        self._run = run
        self._outputs = list(outputs)

    def answers(self, prepared: Batch, lengths: Integers) -> dict[str, Array]:
        """The outputs of every row, in the order of the rows."""
        if not len(lengths):  # no graph is made for no rows: what an empty text gets tells the shapes
            return {name: values[:0] for name, values in self.answers(_EMPTY_TEXT, _ONE).items()}
        places = list(runs(lengths))
        parts = [self.rectangle(prepared, run) for run in places]
        back = np.argsort(np.concatenate(places), kind="stable")
        return {
            name: np.concatenate([part[place] for part in parts])[back]
            for place, name in enumerate(self._outputs)
        }

    def rectangle(self, prepared: Batch, places: Integers) -> list[Array]:
        """The outputs of the rows at `places`. Raises `ModelFailed` when the graph refuses them."""
        ids, own = padded(_ragged(prepared, IDS), places, self._spec.pad)
        feeds = {IDS: ids}
        if MASK in self._spec.feeds:
            feeds[MASK] = own.astype(np.int64)
        if TYPES in self._spec.feeds:
            feeds[TYPES] = padded(_ragged(prepared, TYPES), places, 0)[0]
        try:
            return self._run(self._outputs, feeds)
        except Exception as error:
            msg = "the model could not answer these texts"
            raise ModelFailed(msg) from error


class TransformerRuntime:
    """Loads bundles of kind `transformer`. Nothing in one is code."""

    kind = "transformer"

    def load(self, files: Files, threads: int = 1) -> TransformerPredictor:
        """Raises `BundleRefused` for a tokenizer that may do harm, `BundleCorrupt` where parts do not fit."""
        spec = _spec(files.read(PATH))
        tokenizer = files.read(TOKENIZER)
        audit.audit(tokenizer, spec)
        data = files.read(GRAPH)
        session = open_session(data, threads, weights=weights_beside(GRAPH, data, files))
        outputs = [field.name for field in files.manifest.signature.outputs]
        _check_names(session, spec, outputs)
        return TransformerPredictor(spec, tokens.load(tokenizer, spec), Graph(spec, session.run, outputs))


def _spec(data: bytes) -> Transformer:
    try:
        spec = msgspec.json.decode(data, type=Transformer)
    except msgspec.MsgspecError as error:
        msg = f"{PATH} does not describe a transformer: {error}"
        raise BundleCorrupt(msg, hint="pack the model again") from error
    if not (1 <= spec.max_length <= MAX_LENGTH and 0 <= spec.pad < spec.vocabulary and IDS in spec.feeds):
        msg = f"{PATH} holds numbers that make no sense"
        raise BundleCorrupt(msg, hint="pack the model again")
    return spec


def _check_names(session: Any, spec: Transformer, outputs: Sequence[str]) -> None:
    taken = {node.name for node in session.get_inputs()}
    given = {node.name for node in session.get_outputs()}
    if taken != set(spec.feeds) or not given.issuperset(outputs):
        msg = f"the graph takes {sorted(taken)} and gives {sorted(given)}, which is not what the bundle says"
        raise BundleCorrupt(msg, code="graph-signature")


def _ragged(batch: Batch, name: str) -> Ragged:
    tensor = batch[name]
    assert isinstance(tensor, Ragged)
    return tensor
