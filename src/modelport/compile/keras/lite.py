"""The compiler of TensorFlow Lite files, proven against the interpreter they were written for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.keras.graph import lite_graph_of, quiet
from modelport.compile.onnx_model import Origin, adopt
from modelport.compile.onnx_names import renamed
from modelport.compile.sample import Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array


@dataclass(frozen=True, slots=True)
class LiteModel:
    """A TensorFlow Lite file: it is converted by its path, and there is no live model of it."""

    path: Path


@dataclass(frozen=True, slots=True)
class _Runner:
    """The file's interpreter, and its tensors by the names of its signature: name to index."""

    interpreter: Any
    inputs: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]]

    def predict(self, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
        """Sizes follow the batch, as an application resizes its inputs."""
        for name, array in arrays.items():
            self.interpreter.resize_tensor_input(self.inputs[name]["index"], array.shape, strict=False)
        self.interpreter.allocate_tensors()
        for name, array in arrays.items():
            self.interpreter.set_tensor(self.inputs[name]["index"], array)
        self.interpreter.invoke()
        found = {name: self.interpreter.get_tensor(each["index"]) for name, each in self.outputs.items()}
        return {name: np.array(values) for name, values in found.items()}


class LiteCompiler:
    """Takes `LiteModel`."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        runner = _runner(model.path)
        with quiet():
            graph = lite_graph_of(str(model.path))
        inputs = {each["name"]: name for name, each in runner.inputs.items()}
        outputs = {each["name"]: name for name, each in runner.outputs.items()}
        origin = Origin(predict=runner.predict, source=_source(), candidate="tf2onnx")
        named = renamed(graph, inputs, outputs, None)
        return adopt(named, data, wanted.labels, wanted.task, origin=origin)


def _runner(path: Path) -> _Runner:
    import tensorflow as tf

    try:
        # One thread and the plain kernels: what the numbers are on every machine.
        plain = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = tf.lite.Interpreter(str(path), num_threads=1, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        msg = f"TensorFlow Lite does not take the file: {str(error).splitlines()[0][:200]}"
        raise Unsupported(
            msg, code="lite-refused", hint="is it whole, and of a version that is read?"
        ) from error
    return _Runner(interpreter, *_named(interpreter))


def _named(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs by the names of the one signature; by their tensors' own where there is none."""
    given, found = interpreter.get_input_details(), interpreter.get_output_details()
    signatures = interpreter.get_signature_list()
    if len(signatures) != 1:
        return {each["name"]: each for each in given}, {each["name"]: each for each in found}
    runner = interpreter.get_signature_runner(next(iter(signatures)))
    return dict(runner.get_input_details()), dict(runner.get_output_details())


def _source() -> dict[str, str]:
    import tensorflow as tf

    return {"framework": "tensorflow-lite", "tensorflow": tf.__version__}
