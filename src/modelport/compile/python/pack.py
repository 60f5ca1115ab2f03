"""From a Python model to a bundle that runs it: nothing is compiled, all is tried as it will be served."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.bundle.reader import GOLDEN
from modelport.bundle.trust import audit_files
from modelport.bundle.writer import sealed
from modelport.compile.arguments import check_names, check_ranges, parameters_of
from modelport.compile.card import card
from modelport.compile.compare import TOLERANCE, Parity, compare_rows, describe
from modelport.compile.packed import Packed, Tried, as_json
from modelport.compile.profile import profile
from modelport.compile.python.code import Code
from modelport.compile.python.hosted import code_of
from modelport.compile.python.meaning import answered, labels_of, signature_of, task_of
from modelport.compile.python.tried import ask
from modelport.compile.sample import Sample
from modelport.compile.speed import Speed
from modelport.core.manifest import FORMAT, About, Label, Manifest, Parameters
from modelport.core.signature import Task
from modelport.errors import ParityError, Unsupported
from modelport.runtimes.batch import Array, Batch, Ragged, Tensor, concat, cut
from modelport.runtimes.dtypes import conform
from modelport.runtimes.golden import golden_of
from modelport.runtimes.python.exchange import outputs
from modelport.runtimes.python.spec import step_of

_GOLDEN_ROWS = 16
_TRIED = (Tried("as written"),)
_ALONE = 64
"""Rows of the sample that are asked one by one."""


def pack_python(
    model: Any,
    *,
    name: str,
    sample: Any,
    files: Sequence[str | Path] = (),
    requires: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
    pure: bool = False,
    labels: Sequence[Label] | None = None,
    version: str | None = None,
    parameters: Parameters | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    task: Task | None = None,
    now: datetime | None = None,
) -> Packed:
    """Packs a class with `predict(self, inputs)`, or a function of `inputs`, with its module.

    `model` is the class or function, or `"module:name"`; `files` are files and folders that it reads,
    `requires` distributions that it needs besides those its module imports. It is asked about `sample`
    (whatever `Sample.of` takes) twice, each time in a fresh process with the packed files alone: all rows in
    one call, and one by one. Both must agree, since a server asks the rows of many callers together. `pure`
    says that it always answers the same, so that answers may be remembered. `task` and `labels` are found
    out from the answers where they are not given.

    A live torch module is packed with its source and its weights (safetensors), and made anew in a host by
    its class, called with `arguments`: plain data. Its forward answers as it is, in evaluation mode.

    Raises `Unsupported` (`python-entry`, `python-failed`), `ParityError` (`answers-vary`), `SettingsError`,
    `SourceRefused`.
    """
    check_names(name, version)
    wanted = parameters_of(parameters)
    code, rows = code_of(model, files, requires, arguments=arguments, pure=pure), Sample.of(sample)
    first = ask(code, rows, task)
    meant = task or task_of(first.answers, labels or first.known.labels)
    known = labels_of(meant, first.answers, labels or first.known.labels)
    answers = answered(meant, first.answers)
    signature = signature_of(rows, meant, answers)
    check_ranges(wanted, signature)
    bare = Manifest(
        FORMAT, "python", meant, signature, known, (step_of(code.model),), wanted, (), executable=True
    )
    inputs = conform(rows.batch, signature.inputs)
    expected = outputs(answers, len(rows), bare)
    parity = _proven(code, rows, bare, expected)
    golden = golden_of(*_golden_rows(inputs, expected), TOLERANCE)
    audit_files(code.files, executable=True)
    manifest, about = sealed(bare, code.files), _about(name, version, tags, now)
    speed = Speed(f"{platform.machine()} {platform.system()}", ())
    attachments = {
        GOLDEN: msgspec.json.encode(golden),
        "parity.json": as_json({"tried": _TRIED, "parity": parity}),
        "profile.json": as_json(profile(rows)),
        "card.md": card(manifest, about, parity, speed, _notes(first.known.microseconds)).encode(),
    }
    return Packed(manifest, about, code.files, attachments, parity, speed, _TRIED)


def _proven(code: Code, rows: Sample, manifest: Manifest, expected: Batch) -> Parity:
    """The same rows again, in another process, one by one: they must answer alike."""
    few = min(len(rows), _ALONE)
    sample = Sample(rows.item, cut(rows.batch, 0, few), rows.columns, rows.categories, rows.positional)
    again = ask(code, sample, manifest.task, at_once=1)
    got = outputs(answered(manifest.task, again.answers), few, manifest)
    parity, _ = compare_rows(_plain(cut(expected, 0, few)), Batch(few, _plain(got)), sample.batch, TOLERANCE)
    if parity.holds:
        return parity
    told = describe(parity).partition("\n")[2]
    msg = f"the model answers a row alone, in a new process, otherwise than among others:\n{told}"
    raise ParityError(
        msg, code="answers-vary", hint="fix seeds, and let no row's answer depend on the others of its batch"
    )


def _about(name: str, version: str | None, tags: Mapping[str, str] | None, now: datetime | None) -> About:
    created = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    source = {
        "framework": "python",
        "python": platform.python_version(),
        "compiled": "no: it runs as written",
    }
    return About(name, version, created, source, dict(tags or {}))


def _notes(microseconds: Mapping[int, float]) -> list[str]:
    return [
        "Not compiled: it runs its author's own code, in a model host, and only with --allow-python.",
        "The proof compares answers in one batch with answers one by one in another process.",
        *(f"{count} rows in a call take {taken:g} µs." for count, taken in microseconds.items()),
    ]


def _golden_rows(inputs: Batch, expected: Batch) -> tuple[Batch, Mapping[str, Tensor]]:
    """Up to 16 rows, spread over the sample, that a server replays before it is ready."""
    places = np.unique(np.linspace(0, inputs.rows - 1, min(_GOLDEN_ROWS, inputs.rows)).astype(np.int64))
    usable = [place for place in places.tolist() if _finite(inputs, place) and _finite(expected, place)]
    if not usable:
        msg = "no row of the sample has numbers and answers that can be written down"
        raise Unsupported(msg, code="unsupported-sample", hint="give rows with finite answers")
    chosen, answers = (concat([cut(each, row, row + 1) for row in usable]) for each in (inputs, expected))
    return chosen, answers.tensors


def _finite(batch: Batch, row: int) -> bool:
    """Whether every number of a row can be written down."""
    arrays = (_values(tensor) for tensor in cut(batch, row, row + 1).tensors.values())
    return all(bool(np.isfinite(values).all()) for values in arrays if values.dtype.kind == "f")


def _values(tensor: Tensor) -> Array:
    return tensor.values if isinstance(tensor, Ragged) else tensor


def _plain(batch: Batch) -> dict[str, Array]:
    """Outputs whose rows differ in length as one plain list per row: equal only when equal in all."""
    return {name: _listed(tensor) for name, tensor in batch.tensors.items()}


def _listed(tensor: Tensor) -> Array:
    if not isinstance(tensor, Ragged):
        return tensor
    rows = np.empty(len(tensor), object)
    rows[:] = [row.tolist() for row in np.split(tensor.values, tensor.offsets[1:-1])]
    return rows
