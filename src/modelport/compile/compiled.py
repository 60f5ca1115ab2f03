"""What every compiler hands back, and what it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from modelport.core.manifest import Label, RuntimeKind, Step
from modelport.core.signature import Signature, Task
from modelport.runtimes.batch import Array, Batch


@dataclass(frozen=True, slots=True)
class Compiled:
    """A model in served form, not yet proven.

    Attributes:
        runtime: the runtime that loads it.
        task: what its outputs mean.
        signature: its contract; output names are the fixed ones of `core.signature.Signature`.
        labels: meaning of label indices.
        files: identity files by relative path, e.g. `{"model/graph.onnx": b"..."}`.
        steps: in-bundle pre-processing.
        notes: what a user should know about how it was compiled (precision chosen, terms dropped).
    """

    runtime: RuntimeKind
    task: Task
    signature: Signature
    labels: tuple[Label, ...] | None
    files: Mapping[str, bytes]
    steps: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to compile a model; candidates come fastest first and parity picks the first that holds.

    `build` does the work, so that slower candidates cost nothing when an earlier one is accepted.
    """

    name: str
    build: Callable[[], Compiled]


Outputs = Mapping[str, Array]
"""Output tensors by their fixed names, as the original model gives them (label indices already mapped)."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A live model as the compile step sees it.

    Attributes:
        task, labels: as in `Compiled`.
        candidates: ways to compile it, fastest first.
        original: runs the original model on a batch in the bundle's own input form and answers the fixed
            output tensors; used for parity and for the speed comparison, never served.
        source: estimator class and library versions.
    """

    task: Task
    labels: tuple[Label, ...] | None
    candidates: tuple[Candidate, ...]
    original: Callable[[Batch], Outputs]
    source: Mapping[str, str] = field(default_factory=dict)
