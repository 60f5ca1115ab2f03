"""The compiler of TensorFlow's SavedModels: one of their signatures, proven against itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.keras.graph import graph_of, quiet
from modelport.compile.onnx_model import Origin, adopt
from modelport.compile.sample import Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

_USUAL = "serving_default"


class SavedModelCompiler:
    """Takes what `tf.saved_model.load` gives."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says; `wanted.signature` names one of several signatures."""
        name, function = _signature(model, wanted.signature)
        with quiet():
            graph = graph_of(*_called(model, function))
        origin = Origin(
            predict=lambda arrays: _predict(function, arrays), source=_source(name), candidate="tf2onnx"
        )
        return adopt(graph, data, wanted.labels, wanted.task, origin=origin)


def _signature(model: Any, wanted: str | None) -> tuple[str, Any]:
    """The signature called `wanted`, or the usual one, or the only one."""
    known = dict(getattr(model, "signatures", None) or {})
    name = wanted or (_USUAL if _USUAL in known or len(known) != 1 else next(iter(known)))
    if name in known:
        return name, known[name]
    told = ", ".join(sorted(known)) or "none"
    msg = f"the SavedModel has no signature {name!r}; it has {told}"
    hint = "name one with --signature (signature=)" if known else "export it with signatures= or model.export"
    raise Unsupported(msg, code="no-signature", hint=hint)


def _called(model: Any, function: Any) -> tuple[Any, Any]:
    """A function that calls the signature, to be read in its place, and what keeps its variables."""
    import tensorflow as tf

    owner = tf.Module()
    owner.model = model
    given = function.structured_input_signature[1]
    owner.answer = tf.function(lambda *tensors: function(**dict(zip(given, tensors, strict=True))),
                               input_signature=[given[name] for name in given])  # fmt: skip
    return owner.answer.get_concrete_function(), owner


def _predict(function: Any, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    import tensorflow as tf

    with quiet():
        found = function(**{name: tf.constant(array) for name, array in arrays.items()})
    return {name: np.asarray(values) for name, values in found.items()}


def _source(signature: str) -> dict[str, str]:
    import tensorflow as tf

    return {"framework": "tensorflow", "signature": signature, "tensorflow": tf.__version__}
