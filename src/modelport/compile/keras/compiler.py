"""The compiler of Keras: functional and sequential models, proven against their own `predict_on_batch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.keras.graph import graph_of, quiet
from modelport.compile.keras.tasks import task_of
from modelport.compile.onnx_model import Origin, adopt
from modelport.compile.sample import Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array


class KerasCompiler:
    """Takes built `keras.Model`s of Keras 3 on its TensorFlow backend."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says. What a model's loss says of its task is believed."""
        _check(model)
        with quiet():
            graph = graph_of(*_function(model))
        origin = Origin(
            predict=lambda arrays: _predict(model, arrays),
            source=_source(model),
            candidate="tf2onnx",
            task=task_of(getattr(model, "loss", None)),
        )
        return adopt(graph, data, wanted.labels, wanted.task, origin=origin)


def _check(model: Any) -> None:
    import keras

    if keras.backend.backend() != "tensorflow":
        msg = f"Keras runs on {keras.backend.backend()} here, and a model is read as a graph of TensorFlow"
        hint = "save it as .keras and pack the file, or set KERAS_BACKEND=tensorflow"
        raise Unsupported(msg, code="keras-backend", hint=hint)
    if not getattr(model, "built", False) or not getattr(model, "inputs", None):
        msg = f"the {type(model).__name__} does not say what it takes"
        hint = "give it an Input, or write it with model.export(folder) and pack the folder"
        raise Unsupported(msg, code="not-built", hint=hint)


def _function(model: Any) -> tuple[Any, Any]:
    """A traced function from the model's inputs, by name, to its outputs, and what keeps its variables."""
    import keras
    import tensorflow as tf

    owner = tf.Module()
    owner.model = model
    given = [tf.TensorSpec([None, *each.shape[1:]], each.dtype, name=each.name) for each in model.inputs]

    def answer(*tensors: Any) -> Any:
        found = model(_packed(model, tensors), training=False)
        return dict(zip(_outputs(model), keras.tree.flatten(found), strict=True))

    owner.answer = tf.function(answer, input_signature=given, autograph=False)
    return owner.answer.get_concrete_function(), owner


def _packed(model: Any, tensors: Any) -> Any:
    """The tensors in the structure in which the model takes them."""
    import keras

    if isinstance(model, keras.Sequential):
        return tensors[0]
    return keras.tree.pack_sequence_as(model.input, tensors)


def _outputs(model: Any) -> list[str]:
    """A name per output: the model's own where it has one for each and no input is called so."""
    own = list(getattr(model, "output_names", None) or ())
    taken = {each.name for each in model.inputs}
    several = len(model.outputs)
    if len(set(own)) == several > 1 and not taken & set(own):
        return own
    return ["output"] if several == 1 else [f"output_{place}" for place in range(several)]


def _predict(model: Any, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    import keras
    import tensorflow as tf

    given = [arrays[each.name] for each in model.inputs]
    tensors = [tf.constant(each) if each.dtype.kind == "O" else each for each in given]
    with quiet():
        found = keras.tree.flatten(model.predict_on_batch(_packed(model, tensors)))
    return dict(zip(_outputs(model), map(np.asarray, found), strict=True))


def _source(model: Any) -> dict[str, str]:
    import keras
    import tensorflow as tf

    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    return {"framework": "keras", "model": type(model).__name__, **versions}
