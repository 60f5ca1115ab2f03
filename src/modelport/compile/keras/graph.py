"""A function of TensorFlow as an ONNX graph, by tf2onnx."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modelport.errors import Unsupported

OPSET = 18
"""The newest that tf2onnx writes."""

_TF = "ai.onnx.converters.tensorflow"


def graph_of(function: Any, owner: Any) -> bytes:
    """The ONNX graph of a concrete function; `owner` keeps its variables and tables.

    The function itself is not to be called afterwards: tf2onnx takes its tables away while it reads it.
    Inputs and outputs have the names of the function's arguments and of the dict that it answers. Raises
    `Unsupported` (`unsupported-operator`, `conversion-failed`).
    """
    _require()
    from tf2onnx import convert, tf_loader

    inputs = _own_inputs(function)
    outputs = [each.name for each in function.outputs]
    public = convert.tensor_names_from_structed(function, inputs, outputs)
    public.update(zip(outputs, sorted(function.structured_outputs), strict=True))
    try:
        frozen, tables = tf_loader.from_trackable(owner, function, inputs, outputs, large_model=False)
        return _converted(frozen, inputs, outputs, public, tables)
    except Unsupported:
        raise
    except Exception as error:
        raise _failed(error) from error


def lite_graph_of(path: str) -> bytes:
    """The ONNX graph of a TensorFlow Lite file, its tensors under their own names. Raises as `graph_of`."""
    _require()
    import tf2onnx

    try:
        model, _ = tf2onnx.convert.from_tflite(path, opset=OPSET)
    except Exception as error:
        raise _failed(error) from error
    return _checked(model)


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no log records up to errors, until it is left: what matters comes as an error."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _require() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tf2onnx  # noqa: F401

        from modelport.compile.keras import operators

        operators.register()
    except ImportError as error:
        msg = "tf2onnx, which reads graphs of TensorFlow, is not installed"
        raise Unsupported(msg, code="converter-absent", hint="pip install 'modelport[keras]'") from error


def _own_inputs(function: Any) -> list[str]:
    import tensorflow as tf

    captured = {each.name for each in function.graph.function_captures.by_val_internal.values()}
    given = [each.name for each in function.inputs if each.dtype != tf.resource]
    return [name for name in given if name not in captured]


def _converted(
    frozen: Any, inputs: list[str], outputs: list[str], public: dict[str, str], tables: dict[Any, Any]
) -> bytes:
    import tensorflow as tf
    from tf2onnx import optimizer, tfonnx

    with tf.device("/cpu:0"), tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen, name="")
        read = tfonnx.process_tf_graph(
            graph,
            opset=OPSET,
            input_names=inputs,
            output_names=outputs,
            tensors_to_rename=public,
            initialized_tables=tables,
        )
        # A pass that stumbles is left out: the runtime optimises the graph itself.
        return _checked(optimizer.optimize_graph(read, catch_errors=True).make_model("model"))


def _checked(model: Any) -> bytes:
    """The graph, if ONNX knows all of its operators: tf2onnx leaves those it does not know as they are."""
    from onnx import defs

    unknown = {node.op_type for node in model.graph.node if node.domain == _TF or not _known(defs, node)}
    if unknown:
        msg = f"the model uses operators of TensorFlow that ONNX does not have: {', '.join(sorted(unknown))}"
        hint = "compute them before the model: what remains is packed as it is"
        raise Unsupported(msg, code="unsupported-operator", hint=hint)
    return bytes(model.SerializeToString(deterministic=True))


def _known(defs: Any, node: Any) -> bool:
    return bool(defs.has(node.op_type, node.domain))


def _failed(error: Exception) -> Unsupported:
    line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    msg = f"tf2onnx cannot convert the model: {line.strip()[:300]}"
    return Unsupported(msg, code="conversion-failed", hint="does it answer in Python by hand?")
