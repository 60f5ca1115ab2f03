"""Image classifiers of transformers: their preprocessing as data, their graph by way of `compile.torch`."""
