"""Live Keras models are packed where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.compile.keras import models as made

import modelport
from modelport.errors import Unsupported

pytestmark = [pytest.mark.conformance, pytest.mark.filterwarnings("ignore")]  # the libraries' own


def test_a_live_model_is_packed_and_stays_as_it_was() -> None:
    model, rows = made.dense(), np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    before = model.predict(rows, verbose=0)
    packed = modelport.pack(model, name="dense", sample=rows, labels=["a", "b", "c"])
    assert packed.parity.holds
    assert np.array_equal(model.predict(rows, verbose=0), before)


def test_a_loaded_savedmodel_is_packed(tmp_path: Any) -> None:
    import tensorflow as tf

    made.dense().export(tmp_path / "model", verbose=False)
    rows = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    assert modelport.pack(
        tf.saved_model.load(str(tmp_path / "model")), name="dense", sample=rows
    ).parity.holds


def test_a_known_architecture_of_a_hundred_layers_holds() -> None:
    import keras

    model = keras.applications.MobileNetV3Small(input_shape=(64, 64, 3), weights=None, classes=10)
    rows = np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)
    packed = modelport.pack(model, name="mobilenet", sample=rows, task="classification")
    assert packed.parity.holds


def test_a_model_that_does_not_say_what_it_takes_is_refused() -> None:
    import keras

    model = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(Unsupported, match="Input") as caught:
        modelport.pack(model, name="unbuilt", sample=np.ones((3, 4)))
    assert caught.value.code == "not-built"
