"""The compilers of XGBoost, LightGBM and CatBoost: their own models by way of scikit-learn's tables."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

from modelport.compile.boosting.natives import Native
from modelport.compile.compiled import Adopted
from modelport.compile.compilers import Wanted
from modelport.compile.sample import Sample
from modelport.errors import Unsupported


class XgboostCompiler:
    """Takes `xgboost.Booster` and its scikit-learn wrappers."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        from modelport.compile.boosting.xgboost_native import native

        sample = Sample.of(data)
        return _adopted(native(model), sample, wanted), sample


class LightgbmCompiler:
    """Takes `lightgbm.Booster` and its scikit-learn wrappers."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        from modelport.compile.boosting.lightgbm_native import native

        sample = Sample.of(data)
        return _adopted(native(model, sample), sample, wanted), sample


class CatboostCompiler:
    """Takes `catboost.CatBoost` and what derives from it."""

    def adopt(self, model: Any, data: Any, wanted: Wanted) -> tuple[Adopted, Sample]:
        """As `compilers.Compiler` says."""
        from modelport.compile.boosting.catboost_native import native

        sample = Sample.of(data)
        return _adopted(native(model, sample), sample, wanted), sample


def _adopted(native: Native, sample: Sample, wanted: Wanted) -> Adopted:
    from modelport.compile.boosting.estimators import estimator_of
    from modelport.compile.sklearn.adopt import adopt

    if wanted.vectorizer is not None:
        msg = f"a vectorizer does not go with a model of {native.library}"
        raise Unsupported(msg, code="sample-mismatch", hint="pack the pipeline that holds both")
    adopted = adopt(estimator_of(native), sample, wanted.labels)
    return replace(adopted, source=_source(native))


def _source(native: Native) -> dict[str, str]:
    version = importlib.import_module(native.library).__version__
    return {
        "framework": native.library,
        "estimator": type(native.model).__name__,
        native.library: str(version),
    }
