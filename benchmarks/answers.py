"""Requests and answers: one Open Inference body for everybody, and each peer's own way to answer it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.failure import BenchmarkError
from benchmarks.fixtures import Checks, Task

TOLERANCE = 1e-4
"""Largest difference of a probability that float32 arithmetic explains."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer said about one item: the class index, and probabilities when it gave them."""

    label: int
    probabilities: tuple[float, ...] | None


Dialect = Callable[[dict[str, Any], Sequence[int | str]], Answer]


def body(task: Task, item: Any) -> bytes:
    """The Open Inference V2 request for one item."""
    if task in {"text", "encoder"}:
        tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": [item]}
    else:
        tensor = {"name": "input", "shape": [1, len(item)], "datatype": "FP32", "data": item}
    return json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()


def open_inference(told: dict[str, Any], classes: Sequence[int | str]) -> Answer:
    """Outputs by name, as MLServer, Triton and Modelport answer."""
    outputs = {output["name"]: output["data"] for output in told["outputs"]}
    label = _flat(outputs["label"] if "label" in outputs else outputs["predict"])[0]
    probabilities = outputs.get("probabilities")
    return Answer(_index(label, classes), None if probabilities is None else tuple(_flat(probabilities)))


def plain(told: dict[str, Any], classes: Sequence[int | str]) -> Answer:
    """`{"prediction": …, "probabilities": […]}`, as hand-written servers answer."""
    return Answer(_index(told["prediction"], classes), tuple(told["probabilities"]))


def verify(answer: Answer, checks: Checks, place: int, tolerance: float = TOLERANCE) -> None:
    """Raise `BenchmarkError` unless the answer is the original model's for the item at `place`.

    A class that the original finds as likely, give or take the tolerance, is right as well.
    """
    told = checks.probabilities[place]
    if answer.label != checks.labels[place] and told[answer.label] < max(told) - tolerance:
        msg = f"item {place}: class {answer.label}, the original model says {checks.labels[place]}"
        raise BenchmarkError(msg)
    if answer.probabilities is None:
        return
    worst = max(abs(theirs - ours) for theirs, ours in zip(answer.probabilities, told, strict=True))
    if worst > tolerance:
        msg = f"item {place}: a probability is off by {worst:.2g}"
        raise BenchmarkError(msg)


def _index(label: int | str, classes: Sequence[int | str]) -> int:
    return classes.index(label) if label in classes else int(label)


def _flat(data: Any) -> list[Any]:
    if isinstance(data, list):
        return [value for part in data for value in _flat(part)]
    return [data]
