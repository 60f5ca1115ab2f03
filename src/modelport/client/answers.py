"""What the server answered, as frozen typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from modelport.errors import ModelportError

if TYPE_CHECKING:
    from modelport.runtimes.batch import Array

Label = str | int | float | bool


class Answer(msgspec.Struct, frozen=True):
    """One predicted row.

    Attributes:
        prediction_id: made by the server; feedback about this row names it.
        model, version: who answered; `label` is the semantic version, when the version has one.
        prediction: a label or a number, or the typed shape of the model's task.
        confidence: probability of the predicted label, 0 to 1; None when the model has none.
        below_threshold: the confidence is under the model's threshold. The prediction stays.
        labels, probabilities: in the same order; only when asked for with `return_probabilities`. A model
            with several targets has a list of probabilities for each.
        scores: decision values of a model without probabilities.
        notes: what an input rule cleaned before the model saw the item.
        truncated: the model saw only the first `max_tokens` tokens.
        index: the row's place in the list that was sent; None for a single item.
        id: the caller's own id, echoed.
    """

    prediction_id: str
    model: str
    version: int
    prediction: Any
    label: str | None = None
    confidence: float | None = None
    below_threshold: bool = False
    labels: tuple[Label, ...] | None = None
    probabilities: tuple[Any, ...] | None = None
    scores: Any = None
    notes: tuple[str, ...] = ()
    truncated: bool = False
    index: int | None = None
    id: str | None = None


class ItemError(msgspec.Struct, frozen=True):
    """One item of a list that was refused; the other rows were answered.

    Attributes:
        index: the item's place in the list that was sent.
        error: the same typed error that a single item would have raised.
    """

    index: int
    error: ModelportError


class ModelState(msgspec.Struct, frozen=True):
    """One served version. `state` is READY, UNAVAILABLE, LOADING, UNLOADING or UNKNOWN."""

    name: str
    version: str = ""
    state: str = "UNKNOWN"
    reason: str = ""


class TensorInfo(msgspec.Struct, frozen=True):
    """One input or output: Open Inference dtype, shape with the row dimension first (-1 is variable)."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, Any] = {}


class ModelMetadata(msgspec.Struct, frozen=True):
    """The contract of a served model, as Open Inference tells it."""

    name: str
    platform: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    versions: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Inference:
    """Output tensors by name, rows first; BYTES come as object arrays of `str`."""

    model: str
    version: str
    id: str
    outputs: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.outputs[name]
