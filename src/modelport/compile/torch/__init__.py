"""The compiler of PyTorch: modules, exported programs and TorchScript into one ONNX graph."""
