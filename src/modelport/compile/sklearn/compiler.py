"""The compiler of scikit-learn: texts go one way, tables the other."""

from __future__ import annotations

import sys
from typing import Any

from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.sample import Sample
from modelport.errors import Unsupported


class SklearnCompiler:
    """Takes fitted estimators and Pipelines."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        _require_fitted(model)
        sample = Sample.of(data)
        return _adopted(model, sample, wanted), sample


def _adopted(model: Any, sample: Sample, wanted: Wanted) -> Adopted:
    if sample.item == "text" and _encodes(model):
        from modelport.compile.transformers.joined import adopt as adopt_encoded

        return adopt_encoded(model, sample, wanted)
    if sample.item == "text":
        from modelport.compile.text.adopt import adopt as adopt_text

        return adopt_text(model, sample, wanted.labels, wanted.vectorizer)
    if wanted.vectorizer is not None:
        msg = f"a vectorizer reads texts, but the sample holds {sample.item}"
        raise Unsupported(msg, code="sample-mismatch", hint="give a list of texts as the sample")
    from modelport.compile.sklearn.adopt import adopt as adopt_table

    return adopt_table(model, sample, wanted.labels)


def _encodes(model: Any) -> bool:
    """Whether it begins with our `TextEncoder`, which nobody has who has not imported it."""
    if "modelport.compile.transformers.encoder" not in sys.modules:
        return False
    from modelport.compile.transformers.joined import starts_with_encoder

    return starts_with_encoder(model)


def _require_fitted(model: Any) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        msg = f"the {type(model).__name__} is not fitted"
        raise Unsupported(msg, code="not-fitted", hint="call fit before packing") from None
