"""The module itself, run eagerly: what parity compares with, and what is exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelport.compile.compiled import Outputs
from modelport.compile.torch.doors import Doors
from modelport.compile.torch.modules import Callee
from modelport.compile.torch.outputs import Answers
from modelport.compile.torch.threads import one_thread
from modelport.runtimes.batch import Array, Batch


@dataclass(frozen=True, slots=True)
class Eager:
    """Answers batches in the bundle's own form with the outputs of the task, on one thread."""

    called: Callee
    doors: Doors
    answers: Answers

    def __call__(self, batch: Batch) -> Outputs:
        """Whatever the module raises passes."""
        import torch

        with torch.no_grad(), one_thread():
            found = self.tensors(*self.inputs(batch))
            # A copy: a module may answer with its own buffer, or with its input.
            arrays: list[Array] = [each.detach().numpy().copy() for each in found]
        return dict(zip(self.answers.names, arrays, strict=True))

    def inputs(self, batch: Batch) -> tuple[Any, ...]:
        """The batch as tensors of the module's own, so that what it does to them stays with it."""
        import torch

        return tuple(torch.from_numpy(array.copy()) for array in self.doors.arrays(batch))

    def tensors(self, *inputs: Any) -> tuple[Any, ...]:
        """The output tensors; also what is traced for the graph."""
        return self.answers.tensors(self.called.call(self.doors.names, inputs))
