"""The compiler of Keras and TensorFlow: live models, SavedModels and TensorFlow Lite into one ONNX graph."""
