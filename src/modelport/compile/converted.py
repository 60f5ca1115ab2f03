"""What comes out of the sandbox: a document, files and arrays, all of them untrusted until read here.

The sandboxed process loaded somebody's pickle, so whatever it hands back may be that pickle's work. Its
document must have exactly this form, every array must have the rows and the size it should, and every file is
audited like a stranger's bundle. The edge rows are not sent: both sides make the same ones.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from modelport.bundle import contain
from modelport.bundle.trust import audit_files
from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.edges import edges
from modelport.compile.recorded import Recorded
from modelport.compile.sample import Sample
from modelport.compile.taken import as_taken
from modelport.core.manifest import Label, RuntimeKind, Step
from modelport.core.signature import Signature, Task
from modelport.errors import BundleError, CompileError, SandboxError
from modelport.runtimes.batch import Array

DOCUMENT = "converted.json"
ANSWERS = "part"
MAX_DOCUMENT = 16 << 20
MAX_CANDIDATES = 8
_MAX_ROW = 1 << 20
_RUNTIMES: Mapping[str, RuntimeKind] = {
    "image": "image",
    "onnx": "onnx",
    "text": "text",
    "transformer": "transformer",
}
"""Runtimes of converted models: none of them runs code of an author."""


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The original's answers to some rows: a file that says which it took, and a file per output."""

    taken: str
    answers: dict[str, str]


class Built(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A candidate as compiled: `Compiled`, with the names of files in place of their bytes.

    `sample` and `edges` are the original's answers to the rows as this candidate takes them.
    """

    name: str
    runtime: str
    task: Task
    signature: Signature
    labels: tuple[Label, ...] | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    files: dict[str, str]
    sample: Recording
    edges: Recording


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversion.

    Attributes:
        task, labels, source: as in `Adopted`.
        refused: candidates that could not be built, with the reason.
        candidates: those that were built, fastest first.
        original_us: the original's time per call in microseconds, by rows.
    """

    task: Task
    labels: tuple[Label, ...] | None
    source: dict[str, str]
    refused: dict[str, str]
    candidates: tuple[Built, ...]
    original_us: dict[int, float]


@dataclass(frozen=True, slots=True)
class Converted:
    """A sandboxed conversion, checked: ready to be proven as any live model is.

    `adopted.original` answers only the sample and its edge rows; `original_us` is what the sandbox measured.
    """

    adopted: Adopted
    original_us: Mapping[int, float]


def read_converted(folder: Path, sample: Sample, approve: Callable[[Compiled], None]) -> Converted:
    """Read what a conversion of `sample` left in `folder`.

    `approve` is called with a candidate before it is handed out to be loaded, and raises when it must not be.
    Raises `SandboxError` (`sandbox-output`) for anything that is not in the one form; building a candidate
    raises `SandboxError` when a file of it fails the audit.
    """
    document = _document(folder)
    original = Recorded()
    candidates = tuple(_candidate(folder, built, sample, original, approve) for built in document.candidates)
    adopted = Adopted(document.task, document.labels, candidates, original, document.source)
    return Converted(adopted, document.original_us)


def _document(folder: Path) -> Document:
    try:
        document = msgspec.json.decode(_read(folder, DOCUMENT, MAX_DOCUMENT), type=Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = "its document is not in our form"
        raise _refused(msg) from error
    if not 1 <= len(document.candidates) <= MAX_CANDIDATES:
        msg = "it has no candidate, or too many"
        raise _refused(msg)
    if any(built.runtime not in _RUNTIMES for built in document.candidates):
        msg = "it names a runtime that is not for converted models"
        raise _refused(msg)
    if not all(math.isfinite(value) and value > 0 for value in document.original_us.values()):
        msg = "its timings are no times"
        raise _refused(msg)
    return document


def _candidate(
    folder: Path, built: Built, sample: Sample, original: Recorded, approve: Callable[[Compiled], None]
) -> Candidate:
    compiled = _compiled(folder, built)
    try:
        taken = as_taken(sample, compiled)
        generated = edges(taken, built.signature.inputs)
    except (KeyError, IndexError, ValueError, TypeError, CompileError) as error:
        msg = "a signature does not fit the sample"
        raise _refused(msg) from error
    for rows, recording in ((taken.batch, built.sample), (generated, built.edges)):
        original.record(rows, *_recording(folder, recording, rows.rows))

    def build() -> Compiled:
        approve(compiled)
        return compiled

    return Candidate(built.name, build)


def _compiled(folder: Path, built: Built) -> Compiled:
    files = {path: _read(folder, name) for path, name in built.files.items()}
    try:
        audit_files(files)
    except BundleError as error:
        msg = f"what the sandbox handed back is refused: {error.message}"
        raise SandboxError(msg, code="sandbox-output") from error
    return Compiled(
        runtime=_RUNTIMES[built.runtime],
        task=built.task,
        signature=built.signature,
        labels=built.labels,
        files=files,
        steps=built.steps,
        notes=built.notes,
    )


def _recording(folder: Path, recording: Recording, rows: int) -> tuple[Array, Outputs]:
    taken = _array(folder, recording.taken, rows)
    if taken.dtype != np.bool_ or taken.ndim != 1:
        msg = "it does not say which rows were taken"
        raise _refused(msg)
    count = int(taken.sum())
    return taken, {name: _array(folder, file, count) for name, file in recording.answers.items()}


def _array(folder: Path, name: str, rows: int) -> Array:
    """The array of numbers in a file, with exactly `rows` rows and not a byte more than they take."""
    data = _read(folder, name)
    stream = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            msg = "an array is not in our form"
            raise _refused(msg)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=1_000)
    except ValueError as error:
        msg = "an array is not in our form"
        raise _refused(msg) from error
    if fortran or dtype.kind not in "biuf" or shape[:1] != (rows,) or math.prod(shape[1:]) > _MAX_ROW:
        msg = "an array does not have the rows it should"
        raise _refused(msg)
    if len(data) - stream.tell() != math.prod(shape) * dtype.itemsize:
        msg = "an array does not have the size it should"
        raise _refused(msg)
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape)


def _read(folder: Path, name: str, limit: int = 2 << 30) -> bytes:
    try:
        with contain.open_inside(folder, name) as descriptor, open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except (BundleError, OSError) as error:
        msg = "a file it names is not there"
        raise _refused(msg) from error
    if len(data) > limit:
        msg = "a file is too large"
        raise _refused(msg)
    return data


def _refused(why: str) -> SandboxError:
    return SandboxError(f"what the sandbox handed back is refused: {why}", code="sandbox-output")
