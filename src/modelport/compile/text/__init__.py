"""Fitted scikit-learn text pipelines into declarative text models."""

from __future__ import annotations

from modelport.compile.text.adopt import adopt

__all__ = ["adopt"]
