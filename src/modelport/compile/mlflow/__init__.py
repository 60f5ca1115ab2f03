"""MLflow model folders: the model inside, its signature, its example. MLflow itself is not needed."""
