"""Models of pictures: decoding and preprocessing as data, and one ONNX graph."""

from __future__ import annotations

from modelport.runtimes.image.predictor import ImageRuntime

__all__ = ["ImageRuntime"]
