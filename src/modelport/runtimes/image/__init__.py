"""Models of pictures: decoding and preprocessing as data, and one ONNX graph."""
