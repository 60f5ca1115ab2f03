"""Hand converters to skl2onnx, and take them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    *,
    two_outputs: bool = False,
) -> None:
    """Convert models of `kind` by `emit`, their outputs declared by `declare`.

    `two_outputs` is for classifiers that do not derive from scikit-learn's: skl2onnx would give them one.
    """
    from skl2onnx import update_registered_converter

    def convert(scope: Any, operator: Any, container: Any) -> None:
        emit(Emitter(scope, operator, container))

    alias = f"Modelport{kind.__name__}"
    _KEYS.update((kind, alias))
    parser = _parsed_with_probabilities if two_outputs else None
    update_registered_converter(kind, alias, declare, convert, options=options, parser=parser)


def _parsed_with_probabilities(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:  # noqa: ARG001
    """A classifier's operator with its two outputs, as skl2onnx's parsers make them."""
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    operator = scope.declare_local_operator(sklearn_operator_name_map[type(model)], model)
    operator.inputs = inputs
    operator.outputs.append(scope.declare_local_variable("label", Int64TensorType()))
    operator.outputs.append(scope.declare_local_variable("probabilities", FloatTensorType()))
    return operator.outputs


_KEYS: set[type | str] = set()
"""What `use` has ever written to: models, and the names of their converters."""


@contextmanager
def restored() -> Iterator[None]:
    """Afterwards every entry that `use` wrote is as it was; what others registered meanwhile stays."""
    tables = _tables()
    before = [dict(table) for table in tables]
    try:
        yield
    finally:
        for table, old in zip(tables, before, strict=True):
            _put_back(table, old)


def _put_back(table: dict[Any, Any], old: dict[Any, Any]) -> None:
    for key in _KEYS & table.keys():
        if key in old:
            table[key] = old[key]
        else:
            del table[key]


def _tables() -> tuple[dict[Any, Any], ...]:
    """All that `update_registered_converter` writes to."""
    from skl2onnx._parse import sklearn_parsers_map
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import _converter_pool, _shape_calculator_pool

    return sklearn_operator_name_map, sklearn_parsers_map, _converter_pool, _shape_calculator_pool
