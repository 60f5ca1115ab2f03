"""The float32 trap of tree thresholds.

scikit-learn's trees cast their input to float32 and compare it with a float64 threshold. For a float32 `x`,
`x <= t` says the same as `x <= floor32(t)`, where `floor32(t)` is the largest float32 not above `t`. Rounding
to the *nearest* float32 instead sends a value between the threshold and its rounding the other way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from onnx import NodeProto

_DOUBLES = {
    "nodes_values_as_tensor": "nodes_values",
    "target_weights_as_tensor": "target_weights",
    "class_weights_as_tensor": "class_weights",
    "base_values_as_tensor": "base_values",
    "nodes_hitrates_as_tensor": "nodes_hitrates",
}


def floor32(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The largest float32 not above each float64 value; infinities and NaN stay what they are."""
    exact = np.asarray(values, np.float64)
    with np.errstate(over="ignore"):  # beyond the largest float32 lies infinity
        nearest = exact.astype(np.float32)
        below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > exact, below, nearest).astype(np.float32)


def narrow(node: NodeProto) -> None:
    """Turn the float64 attributes of a tree node into float32 ones that decide alike.

    For nodes whose input is float32 by then (see `islands`).
    """
    from onnx import helper, numpy_helper

    for attribute in [each for each in node.attribute if each.name in _DOUBLES]:
        values: Any = numpy_helper.to_array(attribute.t)
        rounded = floor32(values) if attribute.name == "nodes_values_as_tensor" else values.astype(np.float32)
        node.attribute.remove(attribute)
        node.attribute.append(helper.make_attribute(_DOUBLES[attribute.name], rounded.tolist()))
