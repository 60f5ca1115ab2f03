"""English prose that every development environment has: docstrings, labelled by their package."""

from __future__ import annotations

import asyncio
import http.client
import inspect
import logging
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from email import message
from types import ModuleType

import numpy as np
import pytest
import sklearn.cluster
import sklearn.linear_model
import sklearn.preprocessing
from scipy import stats

from modelport.compile.compiled import Adopted, Compiled, Outputs
from modelport.compile.sample import Sample
from modelport.compile.text import adopt
from modelport.core.manifest import Manifest, Parameters
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.text.predictor import TextRuntime

PACKAGES: dict[str, tuple[ModuleType, ...]] = {
    "learning": (sklearn.linear_model, sklearn.cluster, sklearn.preprocessing),
    "arrays": (np, np.linalg),
    "statistics": (stats,),
    "network": (asyncio, http.client, message),
    "running": (logging, unittest),
}

EDGES = [
    "",
    " ",
    "the and of",
    "a b c",
    "\t\n  \u2003 \x1c ",
    "naïve café re\u0301sume\u0301 ZÜRICH Straße İstanbul ﬁne №5",
    "🙂🙃 👩‍👩‍👧 array 🙂",
    "e\u0301" * 50,
    "snake_case CamelCase 3.14 1e-9 x=y; don't well-known",
    "日本語のテキスト 中文 العربية हिन्दी",
    "array " * 3000,
    "word" * 2000,
]
"""Texts that trip up vectorizers: nothing known, odd spaces, combining marks, emoji, very long."""


@dataclass(frozen=True)
class Corpus:
    """Texts with their packages, in an order that mixes them."""

    texts: list[str]
    packages: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def held_out(self) -> list[str]:
        """Texts that no test fits on, the odd ones among them."""
        return [*self.texts[1000:1300], *EDGES]

    @property
    def training(self) -> list[str]:
        return self.texts[:1000]

    @property
    def classes(self) -> list[str]:
        """Five classes for the training texts."""
        return self.packages[:1000]

    @property
    def binary(self) -> list[bool]:
        """Two classes for the training texts."""
        return [package == "learning" for package in self.classes]

    @property
    def lengths(self) -> list[float]:
        """A number to learn for each training text."""
        return [len(text.split()) / 10.0 for text in self.training]


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """1300 passages of about 300 characters."""
    found = [(text, name) for name, modules in PACKAGES.items() for text in _passages(modules)[:400]]
    order = np.random.RandomState(0).permutation(len(found))[:1300]
    return Corpus([found[place][0] for place in order], [found[place][1] for place in order])


def _passages(modules: tuple[ModuleType, ...]) -> list[str]:
    docs = [
        inspect.getdoc(value) or ""
        for module in modules
        for _, value in sorted(vars(module).items())
        if inspect.isclass(value) or inspect.isroutine(value)
    ]
    return [
        doc[start : start + 300] for doc in docs for start in range(0, max(1, len(doc) - 200), 300) if doc
    ]


@dataclass(frozen=True)
class InMemory:
    """The files of a compiled model, without a bundle around them."""

    compiled: Compiled

    @property
    def manifest(self) -> Manifest:
        made = self.compiled
        return Manifest(
            1, made.runtime, made.task, made.signature, made.labels, made.steps, Parameters(), files=()
        )

    def read(self, path: str) -> bytes:
        return self.compiled.files[path]


def texts(values: list[str]) -> Batch:
    """A batch of texts."""
    column = np.empty(len(values), object)
    column[:] = values
    return Batch(len(values), {"text": column})


@dataclass(frozen=True)
class Served:
    """An adopted model beside what a server makes of its first candidate."""

    adopted: Adopted
    compiled: Compiled
    predictor: Predictor

    def answers(self, values: list[str]) -> dict[str, Array]:
        batch = self.predictor.predict(texts(values))
        return {name: batch.array(name) for name in batch.tensors}

    def originals(self, values: list[str]) -> Outputs:
        return self.adopted.original(texts(values))


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def serve(corpus: Corpus) -> Serve:
    """Adopt a model on a few training texts, build its first candidate, load it."""

    def run(model: object, vectorizer: object | None = None, candidate: int = 0) -> Served:
        adopted = adopt(model, Sample.of(corpus.training[:50]), vectorizer=vectorizer)
        compiled = adopted.candidates[candidate].build()
        return Served(adopted, compiled, TextRuntime().load(InMemory(compiled)))

    return run
