"""The module that is exported: tensors in by place, the outputs of the task out. Imported with torch only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from modelport.compile.torch.eager import Eager


class _Wrapped(nn.Module):  # type: ignore[misc]  # torch is not there for type checkers
    def __init__(self, eager: Eager) -> None:
        super().__init__()
        self.inner = eager.called.module
        self._eager = eager
        self.training = False  # an exporter puts all parts back into the mode that the whole was in

    def forward(self, *inputs: Any) -> tuple[Any, ...]:
        # By way of our own attribute: tracers know the modules that are parts of the one they trace.
        called = replace(self._eager.called, module=self.inner)
        return replace(self._eager, called=called).tensors(*inputs)


def wrapped(eager: Eager) -> Any:
    """`eager` as a module."""
    return _Wrapped(eager)
