"""Write nodes of one converter into the graph that skl2onnx builds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from modelport.compile.sklearn.islands import OURS
from modelport.compile.sklearn.models import last
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

ML = "ai.onnx.ml"


class Emitter:
    """Nodes and constants of one operator; every method answers the name of what it wrote.

    `dtype` is the floating dtype the operator computes in: float64 where an input is, else float32.
    """

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self._scope = scope
        self._container = container
        self.operator = operator
        self.model = operator.raw_operator
        self.dtype: npt.DTypeLike = np.float64 if is_double(operator) else np.float32

    def constant(self, values: npt.ArrayLike) -> str:
        """A constant tensor; texts become strings, all else keeps its dtype."""
        from onnx import TensorProto, helper

        array: Array = np.asarray(values)
        name: str = self._scope.get_unique_variable_name("constant")
        if array.dtype.kind in "OU":
            texts = [str(value) for value in array.ravel()]
            self._container.add_initializer(name, TensorProto.STRING, array.shape, texts)
        else:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            self._container.add_initializer(name, kind, array.shape, array.ravel())
        return name

    def number(self, value: float) -> str:
        """A constant scalar in the operator's floating dtype."""
        return self.constant(np.asarray([value], self.dtype))

    def node(self, kind: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """A node with one output."""
        name: str = output or self._scope.get_unique_variable_name(kind.lower())
        self._container.add_node(
            kind,
            list(inputs),
            [name],
            op_domain=domain,
            name=self._scope.get_unique_operator_name(f"{OURS}_{kind}"),
            **attributes,
        )
        return name

    def wants(self, option: str) -> bool:
        """Whether the conversion asks this operator for `option`."""
        return bool(self._container.get_options(self.model, {option: False}, fail=False).get(option, False))

    def cast(self, source: str, dtype: npt.DTypeLike) -> str:
        """`source` in another dtype."""
        from onnx import helper

        return self.node("Cast", source, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def matrix(self) -> str:
        """The operator's inputs as one floating matrix `[n, k]`."""
        columns = [self.floating(variable) for variable in self.operator.inputs]
        return columns[0] if len(columns) == 1 else self.node("Concat", *columns, axis=1)

    def floating(self, variable: Any) -> str:
        """One numeric input in the operator's floating dtype."""
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

        wanted = DoubleTensorType if self.dtype == np.float64 else FloatTensorType
        name: str = variable.full_name
        return name if isinstance(variable.type, wanted) else self.cast(name, self.dtype)

    def column(self, place: int) -> tuple[str, bool]:
        """Column `place` over all inputs as `[n, 1]`, and whether it holds texts."""
        from skl2onnx.common.data_types import StringTensorType

        for variable in self.operator.inputs:
            width = width_of(variable, len(self.operator.inputs), self.model)
            if place < width:
                text = isinstance(variable.type, StringTensorType)
                name = variable.full_name if text else self.floating(variable)
                return (name if width == 1 else self.pick(name, place)), text
            place -= width
        msg = f"{type(self.model).__name__} reads a column that does not exist"
        raise IndexError(msg)

    def pick(self, source: str, place: int) -> str:
        """Column `place` of a matrix as `[n, 1]`."""
        return self.node("Gather", source, self.constant(np.asarray([place], np.int64)), axis=1)

    def inner(self, model: Any) -> str:
        """The answer of another fitted regressor to the same input, `[n, targets]`."""
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

        operator = self._scope.declare_local_operator(_alias(model), model)
        operator.inputs = list(self.operator.inputs)
        kind = DoubleTensorType if self.dtype == np.float64 else FloatTensorType
        output = self._scope.declare_local_variable("inner", kind())
        operator.outputs.append(output)
        flat = output.full_name
        targets = np.asarray([0, -1], np.int64)
        return self.node("Reshape", self.cast(flat, self.dtype), self.constant(targets))

    def inner_classifier(self, model: Any) -> str:
        """What another fitted classifier says about the same input: `[n, classes]`.

        Decision values where it has them, else probabilities.
        """
        from skl2onnx.common.data_types import (
            DoubleTensorType,
            FloatTensorType,
            Int64TensorType,
            StringTensorType,
        )

        operator = self._scope.declare_local_operator(_alias(model), model)
        operator.inputs = list(self.operator.inputs)
        texts = np.asarray(model.classes_).dtype.kind in "OU"
        label = self._scope.declare_local_variable(
            "label", (StringTensorType if texts else Int64TensorType)()
        )
        kind = DoubleTensorType if self.dtype == np.float64 else FloatTensorType
        scores = self._scope.declare_local_variable("scores", kind())
        operator.outputs.append(label)
        operator.outputs.append(scores)
        if hasattr(model, "decision_function"):
            self._container.add_options(id(last(model)), {"raw_scores": True})
        return self.cast(scores.full_name, self.dtype)

    def answer(self, source: str, place: int = 0) -> None:
        """Make `source` the operator's output number `place`, in the dtype it was declared with."""
        from skl2onnx.common.data_types import guess_proto_type

        output = self.operator.outputs[place]
        self.node("Cast", source, output=output.full_name, to=guess_proto_type(output.type))

    def decision(self, scores: str) -> str:
        """Decision values as skl2onnx passes them on: one per class, `[n, 2]` between two."""
        if len(self.model.classes_) > 2:
            return scores
        return self.node("Concat", self.node("Neg", scores), scores, axis=1)

    def classes(self, index: str) -> None:
        """Answer the class labels that `index` (INT64 `[n]`) points to as output 0."""
        values = np.asarray(self.model.classes_)
        table = values if values.dtype.kind in "OU" else values.astype(np.int64)
        self.node("Gather", self.constant(table), index, output=self.operator.outputs[0].full_name, axis=0)


def _alias(model: Any) -> str:
    from skl2onnx._supported_operators import sklearn_operator_name_map

    name: str | None = sklearn_operator_name_map.get(type(model))
    if name is None:
        msg = f"{type(model).__name__} has no ONNX form"
        raise Unsupported(msg)
    return name


def is_double(operator: Any) -> bool:
    """Whether an input of the operator is float64."""
    from skl2onnx.common.data_types import DoubleTensorType

    return any(isinstance(variable.type, DoubleTensorType) for variable in operator.inputs)


def width_of(variable: Any, inputs: int, model: Any) -> int:
    """Columns of an input variable; a lone matrix of unknown width holds all the model's features."""
    shape = variable.type.shape
    known = shape[1] if len(shape) > 1 else None
    if known:
        return int(known)
    return int(model.n_features_in_) if inputs == 1 else 1
