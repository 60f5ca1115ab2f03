"""scikit-learn on tables, into ONNX graphs that answer the same."""
