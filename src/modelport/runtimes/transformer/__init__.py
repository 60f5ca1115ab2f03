"""Transformer encoders on text: a tokenizer as data, executed in Rust, and one ONNX graph."""
