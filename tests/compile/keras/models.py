"""Keras models of many kinds, made where TensorFlow is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Build = Callable[[], Any]


def sequential(*layers: Any) -> Any:
    import keras

    return keras.Sequential(list(layers))


def dense() -> Any:
    from keras import Input, layers

    model = sequential(
        Input((4,)), layers.Dense(8, "relu"), layers.BatchNormalization(), layers.Dropout(0.5),
        layers.Dense(3, "softmax"),
    )  # fmt: skip
    model.compile(loss="sparse_categorical_crossentropy")
    return model


def normalised() -> Any:
    from keras import Input, layers

    scaled = layers.Normalization()
    scaled.adapt(np.random.default_rng(0).normal(3, 2, (50, 4)))
    model = sequential(Input((4,)), scaled, layers.Dense(5, "gelu"), layers.Dense(1))
    model.compile(loss="mse")
    return model


def binary() -> Any:
    from keras import Input, layers

    model = sequential(Input((4,)), layers.Dense(6, "silu"), layers.Dense(1, "sigmoid"))
    model.compile(loss="binary_crossentropy")
    return model


def logits() -> Any:
    import keras
    from keras import Input, layers

    model = sequential(Input((4,)), layers.Dense(3))
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def binned() -> Any:
    from keras import Input, layers

    bins = layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="int")
    return sequential(Input((4,)), bins, layers.Embedding(4, 3), layers.Flatten(), layers.Dense(2, "softmax"))


def pictures() -> Any:
    from keras import Input, layers

    return sequential(
        Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(), layers.SeparableConv2D(6, 3), layers.GlobalAveragePooling2D(),
        layers.Dense(5, "softmax"),
    )  # fmt: skip


def upsampled() -> Any:
    from keras import Input, layers

    return sequential(
        Input((4, 4, 2)), layers.Conv2DTranspose(3, 3, strides=2, padding="same"),
        layers.UpSampling2D(interpolation="bilinear"), layers.Resizing(5, 5),
    )  # fmt: skip


def lstm() -> Any:
    from keras import Input, layers

    return sequential(Input((None, 3)), layers.LSTM(6), layers.Dense(1))


def gru() -> Any:
    from keras import Input, layers

    return sequential(
        Input((7, 3)), layers.Bidirectional(layers.GRU(4, return_sequences=True)), layers.GRU(4),
        layers.Dense(2, "softmax"),
    )  # fmt: skip


def tokens() -> Any:
    from keras import Input, layers

    return sequential(
        Input((None,), dtype="int32"), layers.Embedding(50, 8, mask_zero=True), layers.LSTM(6),
        layers.Dense(2, "softmax"),
    )  # fmt: skip


def attention() -> Any:
    import keras
    from keras import layers

    rows = keras.Input((6, 8))
    seen = layers.MultiHeadAttention(2, 4)(rows, rows)
    seen = layers.GlobalMaxPooling1D()(layers.LayerNormalization()(rows + seen))
    answers = [layers.Dense(3, "softmax", name="kind")(seen), layers.Dense(1, name="size")(seen)]
    return keras.Model(rows, answers)


def people() -> Any:
    import keras
    from keras import layers

    age = keras.Input((1,), name="age")
    city = keras.Input((1,), dtype="string", name="city")
    code = keras.Input((1,), dtype="int64", name="code")
    cities = layers.StringLookup(vocabulary=["rome", "oslo", "córdoba"], output_mode="one_hot")(city)
    codes = layers.IntegerLookup(vocabulary=[3, 7, 9], output_mode="one_hot")(code)
    joined = layers.Concatenate()([layers.Rescaling(1 / 50)(age), cities, codes])
    return keras.Model({"age": age, "city": city, "code": code}, layers.Dense(2, "softmax")(joined))


def lambdas() -> Any:
    from keras import Input, layers

    return sequential(Input((4,)), layers.Lambda(lambda values: values * 2))


def texts() -> Any:
    from keras import Input, layers

    words = layers.TextVectorization(vocabulary=["good", "bad"], output_mode="multi_hot")
    return sequential(Input((), dtype="string"), words, layers.Dense(2))


def hashed() -> Any:
    from keras import Input, layers

    return sequential(
        Input((1,), dtype="string"), layers.Hashing(8), layers.Embedding(8, 2), layers.Flatten()
    )
