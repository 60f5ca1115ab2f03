"""The runtime seam: load one kind of bundle, answer batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from modelport.core.manifest import Manifest
from modelport.runtimes.batch import Array, Batch

TRUNCATED = "truncated"
"""An output beside those that a signature names: BOOL `[rows]`, rows that the model's own maximum has cut."""


class Files(Protocol):
    """What a runtime may read: verified files of one bundle."""

    @property
    def manifest(self) -> Manifest: ...

    def read(self, path: str) -> bytes:
        """The bytes of an identity file, digest verified. Raises `BundleCorrupt`."""
        ...


class Predictor(Protocol):
    """A loaded model. Thread-safe; answers every row in order, with the outputs its signature names."""

    def predict(self, batch: Batch) -> Batch: ...


@runtime_checkable
class Reader(Protocol):
    """A predictor whose items are texts that it reads token by token."""

    def shorten(self, text: str, most: int) -> str | None:
        """The text up to its token number `most`; None when it has no more than that."""
        ...


@runtime_checkable
class Staged(Protocol):
    """A predictor that first turns what callers send into what it computes on, at a cost of its own.

    Tokenizing and decoding images are such stages. They need no batch, so a call passes them by itself, in a
    thread, before it waits for its turn; batches are then formed of rows of like length.
    """

    def prepare(self, batch: Batch) -> Batch:
        """The same rows as `compute` takes them; texts become a `Ragged` of tokens. Thread-safe.

        Raises `InvalidInput` where an item cannot be read.
        """
        ...

    def lengths(self, prepared: Batch) -> Array:
        """What each row costs: tokens, or 1. An int64 array `[rows]`."""
        ...

    def compute(self, prepared: Batch) -> Batch:
        """The answers to every row, in order. `predict` is `compute` of `prepare`."""
        ...


@runtime_checkable
class Bulky(Protocol):
    """A `Staged` predictor whose prepared rows are so large that their number must be bounded."""

    row_bytes: int
    """Memory of one prepared row."""


@runtime_checkable
class Fed(Protocol):
    """A predictor with one graph behind it, that tells what the graph is given: it can be calibrated."""

    def feeds(self, batch: Batch) -> Mapping[str, Array]:
        """The graph's inputs, by its own names, for these rows."""
        ...


class Runtime(Protocol):
    """Loads one kind of bundle. Loading runs nothing that a bundle's author wrote."""

    kind: str

    def load(self, files: Files, threads: int = 1) -> Predictor: ...


@runtime_checkable
class Readable(Protocol):
    """A runtime that knows how a bundle's texts are cut without loading what answers them.

    So a process can cut texts for a model that runs in another.
    """

    def reader(self, files: Files) -> Reader:
        """Raises `BundleRefused` or `BundleCorrupt` as `load` does."""
        ...


@runtime_checkable
class Placeable(Protocol):
    """A runtime that knows accelerators."""

    def on(self, device: str) -> Runtime:
        """The same runtime on a device (`cuda:0`, `tensorrt:0`).

        Raises `BundleRefused` (`device-absent`) when what is installed here cannot use it.
        """
        ...
