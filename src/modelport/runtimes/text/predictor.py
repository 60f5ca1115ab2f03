"""The text runtime: loads the declarative data of a bundle and answers texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from modelport.core.signature import Task
from modelport.errors import BundleCorrupt, InvalidInput
from modelport.runtimes.base import Files, Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.text import graph, linear, vectorizer
from modelport.runtimes.text.answers import Classification, Multilabel, Regression
from modelport.runtimes.text.links import probabilities
from modelport.runtimes.text.shorten import Shorten, shortener
from modelport.runtimes.text.spec import PATH, Graph, Linear, TextModel
from modelport.runtimes.text.vectorizer import Vectorizer

INPUT = "text"
"""Name of the one input tensor."""


class Answer(Protocol):
    """From texts to output tensors by their fixed names."""

    def answer(self, texts: Sequence[str]) -> dict[str, Array]: ...


@dataclass(frozen=True, slots=True)
class TextPredictor:
    """A loaded text model. Thread-safe; `shorten` cuts a text to so many of its tokens."""

    head: Answer
    shorten: Shorten

    def predict(self, batch: Batch) -> Batch:
        """Answers the texts in the tensor `text`, an object array `[n]` of `str`.

        Raises `InvalidInput` where a cell is not text.
        """
        texts: list[str] = batch.array(INPUT).tolist()
        for place, text in enumerate(texts):
            if type(text) is not str:
                msg = f"row {place} is not text"
                raise InvalidInput(msg, hint="send a string", pointer=f"/{place}")
        return Batch(batch.rows, self.head.answer(texts))


class TextRuntime:
    """Loads bundles of kind `text`. Nothing in one is code."""

    kind = "text"

    def load(self, files: Files, threads: int = 1) -> Predictor:
        """The predictor of `files`. `threads` is for a graph; the linear kernel runs on its caller's.

        Raises `BundleCorrupt` where the data does not hold together.
        """
        spec = _spec(files.read(PATH))
        try:
            features = vectorizer.load(spec.features, files.read)
        except (re.error, ValueError, OverflowError, RecursionError) as error:
            msg = "the token pattern of the text model is not usable"
            raise BundleCorrupt(msg, hint="pack the model again") from error
        return TextPredictor(_head(spec.head, features, files, threads), shortener(spec.features))


def _spec(data: bytes) -> TextModel:
    try:
        return msgspec.json.decode(data, type=TextModel)
    except msgspec.MsgspecError as error:
        msg = f"{PATH} does not describe a text model: {error}"
        raise BundleCorrupt(msg, hint="pack the model again") from error


def _head(spec: Linear | Graph, features: Vectorizer, files: Files, threads: int) -> Answer:
    if isinstance(spec, Graph):
        return graph.load(spec, features, files, threads)
    return _linear(spec, features, files, files.manifest.task)


def _linear(spec: Linear, features: Vectorizer, files: Files, task: Task) -> Answer:
    kernel = linear.load(spec, features, files.read)
    if task == "regression":
        return Regression(kernel, exponential=spec.link == "exp")
    if task == "classification":
        return Classification(kernel, probabilities(spec), by_probability=bool(spec.calibration))
    if task == "multilabel":
        return Multilabel(kernel, probable=spec.link == "logistic")
    msg = f"a linear text model does not do {task}"
    raise BundleCorrupt(msg, hint="pack the model again")
