"""What our converters declare about their outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from modelport.compile.sklearn.converters.emitter import is_double


def floating(operator: Any, width: int | None = None) -> Any:
    """A floating matrix type in the operator's own precision."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = DoubleTensorType if is_double(operator) else FloatTensorType
    return kind([None, width])


def classifier(operator: Any) -> None:
    """A label per row, and a number per class or target."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    classes = operator.raw_operator.classes_
    several = isinstance(classes, list)
    first = np.asarray(classes[0] if several else classes)
    kind = StringTensorType if first.dtype.kind in "OU" else Int64TensorType
    operator.outputs[0].type = kind([None, len(classes)] if several else [None])
    operator.outputs[1].type = floating(operator, None if several else len(classes))


def numbers(width: Callable[[Any], int | None]) -> Callable[[Any], None]:
    """One floating matrix, as wide as `width(model)` says."""

    def declare(operator: Any) -> None:
        operator.outputs[0].type = floating(operator, width(operator.raw_operator))

    return declare


def regressor(operator: Any) -> None:
    """One number per row and target."""
    operator.outputs[0].type = floating(operator, getattr(operator.raw_operator, "n_outputs_", 1))
