"""From whatever a caller has to a model as the compile step sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelport.compile import images
from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Compiler, Wanted, compiler_of, libraries
from modelport.compile.keras.lite import LiteCompiler, LiteModel
from modelport.compile.sample import Sample
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import Unsupported
from modelport.runtimes.image.spec import ImageInput


def adopt(
    model: Any,
    data: Any,
    labels: Sequence[Label] | None = None,
    *,
    vectorizer: Any = None,
    task: Task | None = None,
    image: ImageInput | None = None,
    signature: str | None = None,
) -> tuple[Adopted, Sample]:
    """The model as the compile step sees it, with its sample.

    `model` is a live model of a library that has a compiler (`compilers.libraries()`), a tuple of a model and
    what it cannot read its items without (the tokenizer of a transformer), or an ONNX graph
    (`onnx.ModelProto`, or its bytes). `vectorizer` belongs to an estimator that was fitted on its output;
    `task` is for models that do not say, `signature` for a SavedModel with several functions. With `image`
    the model takes one tensor of pictures, and `data` are picture files (`images.pictures`). Raises
    `Unsupported` when no compiler takes the model.
    """
    wanted = Wanted(labels, vectorizer, task, image, signature)
    compiler = _compiler(model)
    return compiler.adopt(model, data, wanted) if image is None else _pictures(compiler, model, data, wanted)


def _pictures(compiler: Compiler, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
    """The model adopted on the tensors of the pictures, then with their preprocessing before it."""
    assert wanted.image is not None
    images.check(wanted.image)
    sample = images.pictures(data)
    adopted, rows = compiler.adopt(model, images.tensors(sample, wanted.image), wanted)
    return images.over(adopted, rows, wanted.image), sample


def _compiler(model: Any) -> Compiler:
    found = compiler_of(model[0] if isinstance(model, tuple) and model else model)
    if found is not None:
        return found
    if isinstance(model, bytes):
        from modelport.compile.onnx_model import OnnxCompiler

        return OnnxCompiler()
    if isinstance(model, LiteModel):
        return LiteCompiler()
    if _is_estimator(model):
        from modelport.compile.sklearn.compiler import SklearnCompiler

        return SklearnCompiler()
    msg = f"no compiler takes a {type(model).__name__}"
    raise Unsupported(msg, hint=f"give a fitted model of {', '.join(libraries())}, or an ONNX graph")


def _is_estimator(model: Any) -> bool:
    """Whether it keeps scikit-learn's conventions without deriving from it."""
    return hasattr(model, "get_params") and (hasattr(model, "predict") or hasattr(model, "transform"))
