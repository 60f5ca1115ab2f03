"""Transformer encoders on text: a tokenizer as data, executed in Rust, and one ONNX graph."""

from __future__ import annotations

from modelport.runtimes.transformer.runtime import TransformerRuntime

__all__ = ["TransformerRuntime"]
