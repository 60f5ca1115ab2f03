"""A fitted text pipeline as the compile step sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modelport.compile.compiled import Adopted, Candidate, Outputs
from modelport.compile.sample import TEXT, Sample
from modelport.compile.sklearn.original import answer
from modelport.compile.sklearn.tasks import meaning
from modelport.compile.text import dense, sparse
from modelport.compile.text.features import features
from modelport.compile.text.stages import Stages, stages
from modelport.compile.text.target import Target
from modelport.core.manifest import Label
from modelport.errors import Unsupported
from modelport.runtimes.batch import Batch


def adopt(
    model: Any, sample: Sample, labels: Sequence[Label] | None = None, vectorizer: Any | None = None
) -> Adopted:
    """Prepare a fitted text pipeline, or a model with its separate fitted `vectorizer`, for compilation.

    `labels` name the classes in the order of `classes_`. A linear model has the one candidate `sparse`
    (float64, exact); others have `float32` and `float64`, graphs on dense rows of at most 32,768 columns.
    Raises
    `Unsupported` for Python functions inside a vectorizer, and where no vectorizer meets the texts.
    """
    if sample.item != "text":
        msg = f"a text pipeline takes texts, but the sample holds {sample.item}"
        raise Unsupported(
            msg, code="sample-mismatch", hint="give a list of texts, or a file with one per line"
        )
    found = stages(model, vectorizer)
    rows = _rows(found)
    columns = dense.without_densifiers(found.columns, rows(sample.batch))
    whole = _pipeline(found)
    texts = sample.batch.array(TEXT).tolist()
    target = Target(
        meaning(whole, texts, None if labels is None else tuple(labels)),
        features(found),
        columns,
        found.estimator,
    )

    def original(batch: Batch) -> Outputs:
        return answer(whole, batch.array(TEXT).tolist(), target.meaning)

    answers = original(Batch(min(2, len(texts)), {TEXT: sample.batch.array(TEXT)[:2]}))
    candidates = _candidates(target, answers)
    return Adopted(target.meaning.task, target.meaning.labels, candidates, original, _source(found))


def _candidates(target: Target, answers: Outputs) -> tuple[Candidate, ...]:
    linear = sparse.candidate(target, answers)
    return (linear,) if linear is not None else dense.candidates(target, answers)


def _rows(found: Stages) -> Callable[[Batch], Any]:
    def rows(batch: Batch) -> Any:
        table = batch.array(TEXT).tolist()
        for step in found.featurizing:
            table = step.transform(table)
        return table

    return rows


def _pipeline(found: Stages) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*found.featurizing, *found.columns, found.estimator)


def _source(found: Stages) -> dict[str, str]:
    import sklearn

    return {
        "framework": "scikit-learn",
        "estimator": "Pipeline",
        "vectorizer": type(found.vectorizer).__name__,
        "final": type(found.estimator).__name__,
        "scikit-learn": sklearn.__version__,
    }
