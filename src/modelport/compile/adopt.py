"""Which compiler takes a model: by what the model is and what its sample holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelport.compile.compiled import Adopted
from modelport.compile.onnx_external import whole_graph
from modelport.compile.sample import Sample
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import SourceRefused, Unsupported


def adopt(
    model: Any,
    data: Any,
    labels: Sequence[Label] | None = None,
    *,
    vectorizer: Any = None,
    task: Task | None = None,
) -> tuple[Adopted, Sample]:
    """The model as the compile step sees it, with its sample.

    `model` is a fitted scikit-learn estimator or Pipeline, or an ONNX graph (`onnx.ModelProto`, its bytes, or
    the path of an `.onnx` file). `vectorizer` belongs to an estimator that was fitted on its output; `task`
    is for graphs. Raises `Unsupported` when no compiler takes it, `SourceRefused` for a path to a pickle.
    """
    if isinstance(model, str | Path):
        model = _graph_file(Path(model))
    if isinstance(model, bytes) or hasattr(model, "SerializeToString"):
        from modelport.compile import onnx_model

        graph = model if isinstance(model, bytes) else model.SerializeToString()
        return onnx_model.adopt(graph, data, labels, task)
    if not _is_estimator(model):
        msg = f"no compiler takes a {type(model).__name__}"
        raise Unsupported(msg, hint="give a fitted scikit-learn estimator or Pipeline, or an ONNX graph")
    _require_fitted(model)
    sample = Sample.of(data)
    return _estimator(model, sample, labels, vectorizer), sample


def _estimator(model: Any, sample: Sample, labels: Sequence[Label] | None, vectorizer: Any) -> Adopted:
    if sample.item == "text":
        from modelport.compile.text.adopt import adopt as adopt_text

        return adopt_text(model, sample, labels, vectorizer)
    if vectorizer is not None:
        msg = f"a vectorizer reads texts, but the sample holds {sample.item}"
        raise Unsupported(msg, code="sample-mismatch", hint="give a list of texts as the sample")
    from modelport.compile.sklearn.adopt import adopt as adopt_table

    return adopt_table(model, sample, labels)


def _require_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        msg = f"the {type(model).__name__} is not fitted"
        raise Unsupported(msg, code="not-fitted", hint="call fit before packing") from None


def _is_estimator(model: Any) -> bool:
    return hasattr(model, "get_params") and (hasattr(model, "predict") or hasattr(model, "transform"))


def _graph_file(path: Path) -> bytes:
    if path.suffix.lower() != ".onnx":
        msg = f"{path.name!r} is not an ONNX file; other files are not loaded here"
        raise SourceRefused(msg, hint="load the model yourself, or use `modelport pack --trust-pickle`")
    try:
        return whole_graph(path)
    except OSError as error:
        msg = f"cannot read {path.name!r}: {error.strerror}"
        raise Unsupported(msg) from error
