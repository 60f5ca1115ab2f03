"""The text runtime: loads the declarative data of a bundle and answers texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from modelport.core.plan import CPU
from modelport.core.ready import ready
from modelport.core.signature import Task
from modelport.errors import BundleCorrupt, BundleRefused, InvalidInput
from modelport.runtimes.base import Files, Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.devices import providers
from modelport.runtimes.text import graph, linear, vectorizer
from modelport.runtimes.text.analyzer import analyzer
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


@dataclass(frozen=True, slots=True)
class TextReader:
    """How texts of a model are cut, without the model."""

    shorten: Shorten


class TextRuntime:
    """Loads bundles of kind `text`. Nothing in one is code."""

    kind = "text"

    def __init__(self, device: str = CPU) -> None:
        self._device = device

    def on(self, device: str) -> TextRuntime:
        """The same with its graph on a device: terms are counted on the CPU. Raises `BundleRefused`."""
        providers(device)
        return TextRuntime(device)

    def reader(self, files: Files) -> TextReader:
        """How texts are cut; raises as `load` does."""
        spec = _spec(files.read(PATH))
        with _usable():
            for block in spec.features.blocks:
                analyzer(block.analyzer)  # refuses a pattern that a text could keep busy
            return TextReader(shortener(spec.features))

    def load(self, files: Files, threads: int = 1) -> Predictor:
        """The predictor of `files`. `threads` is for a graph; the linear kernel runs on its caller's.

        Raises `BundleCorrupt` where the data does not hold together, `BundleRefused` (`device-unsupported`)
        for a linear kernel on another device than the CPU.
        """
        spec = _spec(files.read(PATH))
        with _usable():
            features = vectorizer.load(spec.features, files.read)
        return TextPredictor(self._head(spec.head, features, files, threads), shortener(spec.features))

    def _head(self, spec: Linear | Graph, features: Vectorizer, files: Files, threads: int) -> Answer:
        if isinstance(spec, Graph):
            return graph.load(spec, features, files, threads, self._device)
        if self._device != CPU:
            msg = f"this text model is a linear kernel, which runs on the CPU, not on {self._device}"
            raise BundleRefused(msg, code="device-unsupported", hint="leave out the device of this slot")
        return _linear(spec, features, files, files.manifest.task)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        msg = "the token pattern of the text model is not usable"
        raise BundleCorrupt(msg, hint="pack the model again") from error


def _spec(data: bytes) -> TextModel:
    try:
        return msgspec.json.decode(data, type=ready(TextModel))
    except msgspec.MsgspecError as error:
        msg = f"{PATH} does not describe a text model: {error}"
        raise BundleCorrupt(msg, hint="pack the model again") from error


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
