"""The module that is exported: tensors in by place, the outputs of the task out. Imported with torch only."""

from __future__ import annotations

from typing import Any

from torch import nn

from modelport.compile.torch.eager import Eager


class _Wrapped(nn.Module):  # type: ignore[misc]  # torch is not there for type checkers
    def __init__(self, eager: Eager) -> None:
        super().__init__()
        self.inner = eager.called.module
        self._tensors = eager.tensors

    def forward(self, *inputs: Any) -> tuple[Any, ...]:
        return self._tensors(*inputs)


def wrapped(eager: Eager) -> Any:
    """`eager` as a module."""
    return _Wrapped(eager)
