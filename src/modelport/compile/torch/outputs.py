"""What a module's outputs mean: the fixed tensors of the task, made of them inside the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelport.compile.compilers import Wanted
from modelport.compile.torch.doors import Doors
from modelport.compile.torch.modules import Callee
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import Unsupported

_OUTPUT = "output"
_PROBABLE = 1e-4

Reading = Literal["softmax", "sigmoid", "probabilities", "probability"]


@dataclass(frozen=True, slots=True)
class Answers:
    """How a module's answer becomes the outputs of its task.

    Attributes:
        task, labels: as in `compiled.Compiled`.
        source: the module's own name of the one output that is read; empty for all of them.
        reading: how numbers become probabilities of classes.
        names: of the tensors that come out.
        notes: for the card.
    """

    task: Task
    labels: tuple[Label, ...] | None
    source: str
    reading: Reading | None
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def tensors(self, answer: Any) -> tuple[Any, ...]:
        """The output tensors, in the order of `names`; made of torch operations only, so it is exported."""
        found = named(answer)
        if self.task == "tensors":
            return tuple(found[name] for name in self.names)
        values = found[self.source]
        if self.task == "classification":
            table = _probabilities(values, self.reading)
            return table.argmax(1), table
        if self.task == "regression":
            return (values[:, 0] if values.dim() == 2 and values.shape[1] == 1 else values,)
        return (values,)


def answers_of(called: Callee, entry: Doors, wanted: Wanted) -> Answers:
    """What the outputs mean, from what the caller said and what the module answers to its sample.

    `task` is `classification`, `regression`, `transform` or `tensors`; without one it is `classification`
    when labels are given, else `tensors`. Classes are read from the first float output `[N, k]`: its rows
    are probabilities when they are none below zero and sum to one, else logits, with softmax; `[N]` or
    `[N, 1]` is the logit of the second of two classes, or its probability when a sigmoid made it.
    """
    found = named(_first(called, entry))
    task: Task = wanted.task or ("classification" if wanted.labels else "tensors")
    if task == "tensors":
        _refuse_labels(wanted.labels, task)
        _check_names(tuple(found), entry)
        return Answers(task, None, "", None, tuple(found))
    if task == "classification":
        return _classification(called, entry, found, wanted.labels)
    _refuse_labels(wanted.labels, task)
    fixed = {"regression": ("value", {1, 2}), "transform": ("values", {2})}
    if task not in fixed:
        msg = f"a torch module cannot be packed as {task}"
        raise Unsupported(msg, code="task-mismatch", hint="classification, regression, transform or tensors")
    name, ranks = fixed[task]
    return Answers(task, None, _one(found, ranks), None, (name,))


def named(answer: Any) -> dict[str, Any]:
    """The tensors of an answer by name: its keys, its fields, or `output` and `output_0`, `output_1`, …

    Absent ones (None) are left out. Raises `Unsupported` for anything that is not a tensor.
    """
    import torch

    if isinstance(answer, torch.Tensor):
        return {_OUTPUT: answer}
    if isinstance(answer, Mapping):
        found = {str(name): each for name, each in answer.items()}
    elif hasattr(answer, "_asdict"):
        found = answer._asdict()
    elif isinstance(answer, Sequence):
        found = {f"{_OUTPUT}_{place}": each for place, each in enumerate(answer)}
    else:
        found = {_OUTPUT: answer}
    found = {name: each for name, each in found.items() if each is not None}
    wrong = next((name for name, each in found.items() if not isinstance(each, torch.Tensor)), None)
    if wrong is None and found:
        return found
    msg = (
        f"the module answers a {type(found[wrong]).__name__} as {wrong!r}" if wrong else "it answers nothing"
    )
    raise Unsupported(msg, code="unsupported-output", hint="return a tensor, or a tuple or dict of tensors")


def _first(called: Callee, entry: Doors) -> Any:
    """The answer to the whole sample."""
    import torch

    tensors = tuple(torch.from_numpy(array) for array in entry.arrays(entry.sample.batch))
    with torch.no_grad():
        try:
            return called.call(entry.names, tensors)
        except Exception as error:
            msg = f"the module does not take the sample: {type(error).__name__}: {_reason(error)}"
            raise Unsupported(msg, code="sample-mismatch", hint="call it with the sample by hand") from error


def _reason(error: Exception) -> str:
    """What went wrong, without TorchScript's stack: its reason is the last line."""
    text = str(error).strip()
    scripted = "Traceback of TorchScript" in text
    return (text.splitlines()[-1] if scripted else " ".join(text.split()))[:300]


def _classification(
    called: Callee, entry: Doors, found: Mapping[str, Any], labels: Sequence[Label] | None
) -> Answers:
    source = _one(found, {1, 2})
    values = found[source]
    single = values.dim() == 1 or values.shape[1] == 1
    classes = 2 if single else int(values.shape[1])
    names = tuple(labels) if labels else tuple(range(classes))
    if len(names) != classes:
        msg = f"{len(names)} labels were given, the module has {classes} classes"
        raise Unsupported(msg, code="labels", hint="name every class, in the order of the module's outputs")
    reading: Reading
    if single:
        reading = "probability" if _ends_in_sigmoid(called, entry, values) else "sigmoid"
    else:
        reading = "probabilities" if _are_probabilities(values) else "softmax"
    notes = (f"{source!r} is read as {_WORDS[reading]}",)
    return Answers("classification", names, source, reading, ("label", "probabilities"), notes)


_WORDS: Mapping[Reading, str] = {
    "softmax": "logits; softmax makes probabilities of them",
    "sigmoid": "the logit of the second class; a sigmoid makes a probability of it",
    "probabilities": "probabilities",
    "probability": "the probability of the second class",
}


def _probabilities(values: Any, reading: Reading | None) -> Any:
    import torch

    if reading == "softmax":
        return torch.softmax(values, 1)
    if reading == "probabilities":
        return values
    column = values.reshape(-1, 1)
    second = torch.sigmoid(column) if reading == "sigmoid" else column
    return torch.cat((1 - second, second), 1)


def _are_probabilities(values: Any) -> bool:
    return bool((values >= 0).all() and ((values.sum(1) - 1).abs() < _PROBABLE).all())


def _ends_in_sigmoid(called: Callee, entry: Doors, values: Any) -> bool:
    """Whether a sigmoid made the numbers: by the last operation, for the numbers alone cannot say."""
    import torch

    if not bool(((values >= 0) & (values <= 1)).all()):
        return False
    tensors = tuple(torch.from_numpy(array).requires_grad_(array.dtype.kind == "f")
                    for array in entry.arrays(entry.sample.batch))  # fmt: skip
    with torch.enable_grad():
        answer = next(iter(named(called.call(entry.names, tensors)).values()))
    return _reached_by(answer.grad_fn)


def _reached_by(step: Any, depth: int = 6) -> bool:
    """Whether a sigmoid is behind `step` with nothing but changes of shape between."""
    for _ in range(depth):
        name = type(step).__name__
        if name.startswith("Sigmoid"):
            return True
        shapes = ("View", "Squeeze", "Unsqueeze", "Reshape", "Select", "Slice", "Alias", "Unsafe")
        if step is None or not name.startswith(shapes) or not step.next_functions:
            return False
        step = step.next_functions[0][0]
    return False


def _one(found: Mapping[str, Any], ranks: set[int]) -> str:
    """The first float output of such a rank."""
    for name, tensor in found.items():
        if tensor.is_floating_point() and tensor.dim() in ranks:
            return name
    msg = "the module has no float output of the shape this task answers with"
    raise Unsupported(msg, code="task-mismatch", hint="pack it with task='tensors'")


def _refuse_labels(labels: Sequence[Label] | None, task: Task) -> None:
    if labels:
        msg = f"labels were given, but the task is {task}"
        raise Unsupported(msg, code="labels", hint="leave them out, or pack it with task='classification'")


def _check_names(names: Sequence[str], entry: Doors) -> None:
    """Inputs and outputs of a graph share one space of names."""
    twice = {field.name for field in entry.fields} & set(names)
    if twice:
        msg = f"the input and an output are both called {min(twice)!r}"
        raise Unsupported(msg, code="names", hint="return the output under another name")
