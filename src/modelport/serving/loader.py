"""From a slot in a plan to a warm predictor: open, verify, audit, load, replay golden rows. In a thread.

A lazy slot stops after the audit, and goes the whole way when its first call comes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from modelport.core.manifest import Manifest
from modelport.core.plan import CPU, SlotSpec
from modelport.core.signature import Field
from modelport.errors import BundleRefused
from modelport.runtimes.base import Predictor, Reader, Staged
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.image.blank import PICTURE
from modelport.serving.codecs.tensors import NUMPY
from modelport.serving.memory import allocated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelport.bundle.reader import Bundle

_WARM_SIZES = (1, 1, 1, 8, 32)
_WARM_SHAPES = ((1, 4), (1, 4), (4, 4), (1, 16), (4, 16), (1, 64), (1, 192))
"""Rows, and words in each, for models whose rows cost what they are long."""
_WARM_SECONDS = 0.5
"""Enough of measuring; traffic tells the rest."""

_SMALL = 16 << 20
_ONCE = 1 << 20
_begun: set[str] = set()
"""Runtimes that have loaded a model in this process. With its first one a runtime also allocates what it
keeps for all of them: 8 MB for ONNX Runtime, a hundred times what a small model takes. So where the first one
shows more than its files explain, it is loaded once more to be measured."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A loaded, proven bundle."""

    manifest: Manifest
    identity: str
    predictor: Predictor
    costs: tuple[tuple[int, int, float], ...]
    """Measured (rows, length, seconds), so that the first requests already know what a batch costs."""
    bytes: int = 0
    """Memory it takes: what was allocated while it was loaded and warmed, at least the size of its files."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle on this disk that is whole and harmless, and not loaded. `bytes` is the size of its files."""

    manifest: Manifest
    identity: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Hosted:
    """A bundle whose model runs in a model host; `reader` cuts its texts here, where they are cut."""

    manifest: Manifest
    identity: str
    reader: Reader | None = None


def in_host(manifest: Manifest, spec: SlotSpec) -> bool:
    """Whether a model is code, or runs on an accelerator: then it runs in a process of its own."""
    return manifest.runtime == "python" or spec.device != CPU


def verify(spec: SlotSpec, *, allow_python: bool) -> Verified | Hosted:
    """Check all of a slot's bundle but whether it loads; raises a `ModelportError` with the reason.

    The first small one of a runtime is loaded nevertheless, and let go: what the runtime keeps for all models
    is then taken at the start, and not while the first caller waits.
    """
    from modelport.bundle.trust import audit
    from modelport.runtimes.registry import runtime

    with _opened(spec, allow_python=allow_python) as bundle:
        audit(bundle)  # reads every file, and so proves every digest
        runtime(bundle.manifest.runtime)
        if in_host(bundle.manifest, spec):
            return _hosted(bundle)
        known = Verified(bundle.manifest, bundle.identity, _size(bundle.manifest))
    if known.manifest.runtime not in _begun and known.bytes <= _SMALL:
        load_once(spec, threads=1, allow_python=allow_python)
        _begun.add(known.manifest.runtime)
    return known


def load(spec: SlotSpec, *, threads: int, allow_python: bool) -> Warm | Hosted:
    """Load and warm a slot's bundle, unless it belongs into a model host.

    Raises a `ModelportError` with the reason when it cannot serve.
    """
    with _opened(spec, allow_python=allow_python) as bundle:
        if in_host(bundle.manifest, spec):
            return _hosted(bundle)
    return load_here(spec, threads=threads, allow_python=allow_python)


def load_here(spec: SlotSpec, *, threads: int, allow_python: bool) -> Warm:
    """Load and warm a slot's bundle in this process; raises a `ModelportError` when it cannot serve."""
    warm = load_once(spec, threads=threads, allow_python=allow_python)
    kind, files = warm.manifest.runtime, _size(warm.manifest)
    if kind not in _begun and warm.bytes > 2 * files + _ONCE:
        again = load_once(spec, threads=threads, allow_python=allow_python)
        warm = replace(warm, bytes=min(warm.bytes, again.bytes))
    _begun.add(kind)
    return warm


def load_once(spec: SlotSpec, *, threads: int, allow_python: bool) -> Warm:
    """As `load_here`, for a process that holds no other model: what it takes need not be measured."""
    from modelport.runtimes.load import load as construct
    from modelport.runtimes.load import replay

    before = allocated()
    with _opened(spec, allow_python=allow_python) as bundle:
        predictor = construct(bundle, threads, spec.device)
        golden = bundle.golden()
        manifest, identity = bundle.manifest, bundle.identity
    if golden is not None:
        replay(predictor, golden, manifest.signature)
    costs = tuple(_measure(predictor, manifest))
    return Warm(manifest, identity, predictor, costs, max(_size(manifest), _grown(before)))


def _hosted(bundle: Bundle) -> Hosted:
    from modelport.runtimes.load import reader

    return Hosted(bundle.manifest, bundle.identity, reader(bundle))


def _opened(spec: SlotSpec, *, allow_python: bool) -> Bundle:
    """The slot's bundle; raises `BundleRefused` when it runs code and may not."""
    from modelport.bundle.reader import open_bundle

    bundle = open_bundle(Path(spec.bundle), identity=spec.identity or None)
    if bundle.executable and not allow_python:
        bundle.close()
        msg = f"the bundle of {spec.id} holds executable code"
        raise BundleRefused(
            msg, code="executable-refused", hint="serve it with --allow-python if you trust it"
        )
    return bundle


def _size(manifest: Manifest) -> int:
    return sum(entry.size for entry in manifest.files)


def _grown(before: int | None) -> int:
    """Bytes allocated since; requests answered meanwhile count too, which is little beside a model."""
    now = allocated()
    return 0 if before is None or now is None else now - before


def _measure(predictor: Predictor, manifest: Manifest) -> Iterator[tuple[int, int, float]]:
    """Cost of a few batches of blank rows; a model that refuses them is measured by its traffic."""
    try:
        if isinstance(predictor, Staged):
            yield from _staged(predictor, manifest)
        else:
            yield from _plain(predictor, manifest)
    except Exception:  # noqa: BLE001 - blank rows are ours, not the caller's: no evidence against the model
        return


def _plain(predictor: Predictor, manifest: Manifest) -> Iterator[tuple[int, int, float]]:
    for rows in _WARM_SIZES:
        batch = Batch(rows, {item.name: _blank(item, rows) for item in manifest.signature.inputs})
        yield rows, 1, _timed(predictor.predict, batch)


def _staged(predictor: Staged, manifest: Manifest) -> Iterator[tuple[int, int, float]]:
    spent = 0.0
    for rows, words in _WARM_SHAPES:
        item = PICTURE if manifest.signature.item == "image" else " ".join(["word"] * words)
        batch = Batch(rows, {each.name: _all(rows, item) for each in manifest.signature.inputs})
        prepared = predictor.prepare(batch)
        seconds = _timed(predictor.compute, prepared)
        yield rows, int(predictor.lengths(prepared).max()), seconds
        spent += seconds
        if spent > _WARM_SECONDS:
            return


def _timed(work: Callable[[Batch], Batch], batch: Batch) -> float:
    started = perf_counter()
    work(batch)
    return perf_counter() - started


def _all(rows: int, item: str | bytes) -> Array:
    return np.full((rows,), item, object)


def _blank(item: Field, rows: int) -> Array:
    shape = (rows, *(max(size, 1) for size in item.shape[1:]))
    if item.dtype == "BYTES":
        text = str(item.categories[0]) if item.categories else "a few words of text"
        return np.full(shape, text, object)
    return np.zeros(shape, NUMPY[item.dtype])
