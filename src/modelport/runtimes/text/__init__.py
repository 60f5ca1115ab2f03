"""Text models as data: a declarative vectorizer and a linear kernel or a graph, run without scikit-learn."""

from __future__ import annotations

from modelport.runtimes.text.predictor import TextRuntime

__all__ = ["TextRuntime"]
