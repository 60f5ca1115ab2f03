"""The two documents of a bundle: what changes answers, and what is known about it.

`Manifest` is the identity document: the SHA-256 of its canonical JSON **is** the bundle's identity, so the
same training gives the same identity. `About` holds name, label, time and evidence; it may change without
making another model.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from modelport.core.signature import Signature, Task

FORMAT = 1
"""Bundle format number. To raise it: add the new reader beside the old one in `bundle/format.py`, register
the upgrade there, keep a bundle of the old format under tests/bundle/formats/, and say so in CHANGELOG."""

Label = str | int | float | bool

RuntimeKind = Literal["onnx", "text", "transformer", "image", "python", "dummy"]


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a bundle: relative POSIX path, SHA-256 in hex, size in bytes."""

    path: str
    sha256: str
    size: int


class Validation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Input rules of a model (`model_config.validation`). A rule cleans, and says so, or refuses.

    Attributes:
        max_length: longest text accepted, in characters.
        strip_html: remove tags before the model sees the text.
        collapse_whitespace: runs of white space become one space; ends are trimmed.
        allowed_pattern: the whole text must match this regular expression.
        denied_patterns: no part of the text may match one of these.
        ranges: for a numeric column, the closed interval accepted.
        allow_nonfinite: NaN and infinities are accepted in numeric input (binary tensors carry them).
    """

    max_length: int = 10_000
    strip_html: bool = False
    collapse_whitespace: bool = False
    allowed_pattern: str | None = None
    denied_patterns: tuple[str, ...] = ()
    ranges: dict[str, tuple[float | None, float | None]] = {}
    allow_nonfinite: bool = False


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the owner chose, and a deployment may override.

    Attributes:
        confidence_threshold: below it an answer says `below_threshold: true`.
        batch_size: most rows in one batch.
        max_tokens: model input is truncated to this many tokens.
    """

    confidence_threshold: float | None = None
    batch_size: int = 256
    max_tokens: int | None = None
    validation: Validation = msgspec.field(default_factory=Validation)


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declarative step inside a bundle: its kind and its data. Runs the same in training and serving.

    `options` is plain data; large tables live in files of the bundle that `options` names.
    """

    kind: str
    options: dict[str, Any] = {}


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that changes a bundle's answers.

    Attributes:
        format: bundle format number.
        runtime: which runtime loads it.
        task: what the outputs mean.
        signature: the contract.
        labels: meaning of label indices, in order; None when the task has none.
        steps: pre-processing between the caller's item and the graph.
        parameters: defaults that change answers.
        files: the identity files with digests, sorted by path.
        executable: whether anything in it runs code of its author (always False for onnx and text).
    """

    format: int
    runtime: RuntimeKind
    task: Task
    signature: Signature
    labels: tuple[Label, ...] | None
    steps: tuple[Step, ...]
    parameters: Parameters
    files: tuple[FileEntry, ...]
    executable: bool = False


_PURE: frozenset[RuntimeKind] = frozenset({"onnx", "text", "transformer", "image", "dummy"})


def pure(manifest: Manifest) -> bool:
    """Whether the same input always gets the same answer, so that an answer may be remembered.

    Graphs do; a program of the author's does when one of its steps declares `{"pure": true}`.
    """
    declared = any(step.options.get("pure") is True for step in manifest.steps)
    return declared if manifest.executable else manifest.runtime in _PURE


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known about a bundle: evidence, not identity.

    Attributes:
        name: the model's name.
        label: semantic version label such as `2.1.0`, or None.
        created: RFC 3339 time, UTC.
        source: what it was made from (estimator class and library versions), for people.
        tags: free words.
        attachments: evidence files with digests (parity, speed, profile, golden rows, card).
    """

    name: str
    label: str | None = None
    created: str = ""
    source: dict[str, str] = {}
    tags: dict[str, str] = {}
    attachments: tuple[FileEntry, ...] = ()


def canonical(document: msgspec.Struct) -> bytes:
    """The one spelling of a document: JSON, keys sorted, no spaces, UTF-8."""
    return msgspec.json.encode(document, order="sorted")


def identity(manifest: Manifest) -> str:
    """The bundle's identity: SHA-256 of the canonical manifest, in hex."""
    return hashlib.sha256(canonical(manifest)).hexdigest()
