"""Hand converters to skl2onnx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modelport.compile.sklearn.converters.emitter import Emitter

CLASSIFIER: dict[str, list[Any]] = {
    "zipmap": [True, False, "columns"],
    "raw_scores": [True, False],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}


OUTLIER: dict[str, list[Any]] = {"score_samples": [True, False]}


def use(
    kind: type,
    declare: Callable[[Any], None],
    emit: Callable[[Emitter], None],
    options: dict[str, list[Any]] | None = None,
) -> None:
    """Convert models of `kind` by `emit`, their outputs declared by `declare`."""
    from skl2onnx import update_registered_converter

    def convert(scope: Any, operator: Any, container: Any) -> None:
        emit(Emitter(scope, operator, container))

    update_registered_converter(kind, f"Modelport{kind.__name__}", declare, convert, options=options)
