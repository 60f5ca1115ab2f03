"""Keras files, `.keras` and `.h5`: weights and a description of layers, no code."""

from __future__ import annotations

import json
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelport.bundle.archive import open_archive
from modelport.compile.sandbox import places
from modelport.compile.sandbox.keras_config import check, custom
from modelport.errors import BundleError, SourceRefused


def load(path: Path) -> Any:
    """The model in the file.

    What it describes is looked at before Keras is imported: raises `SourceRefused` (`keras-code`,
    `keras-custom`, `keras-corrupt`) for code, for parts that are not of Keras, and for what is no model.
    """
    described = _described(path) if path.suffix.lower() == ".keras" else _described_in_hdf5(path)
    check(described)
    places.prepare()
    places.require("tensorflow", "keras")
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        line = (str(error).splitlines() or [""])[0]
        unknown = re.match(r"Unknown [\w ]+: '?([\w>.]+)", line)
        if unknown:
            raise custom(unknown[1]) from error
        why = f"{type(error).__name__}: {line[:200]}"
        raise _corrupt(why) from error
    _compile(model, _loss(described))
    return model


def _loss(described: Any) -> Any:
    """The loss of a model's training, which says what its outputs mean; None where there was none."""
    if isinstance(described, list):  # HDF5: the model, and perhaps its training
        return described[1].get("loss") if len(described) > 1 else None
    return (described.get("compile_config") or {}).get("loss")


def _compile(model: Any, loss: Any) -> None:
    """Give the model its loss back. Optimizers and metrics are not needed, and not always readable."""
    import keras

    if isinstance(loss, str | dict):
        with suppress(ValueError, TypeError):  # a loss that is not of Keras says nothing to us
            model.compile(loss=keras.losses.get(loss))


def _described(path: Path) -> Any:
    try:
        with open_archive(path), zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except BundleError as error:
        raise _corrupt(error.message) from error
    except KeyError as error:
        why = "it has no config.json"
        raise _corrupt(why) from error
    except (zipfile.BadZipFile, ValueError, RecursionError) as error:
        why = "its config.json is not JSON"
        raise _corrupt(why) from error


def _described_in_hdf5(path: Path) -> list[Any]:
    places.require("h5py")
    import h5py

    try:
        with h5py.File(path, "r") as file:
            model, training = (file.attrs.get(f"{each}_config") for each in ("model", "training"))
        described = [json.loads(each) for each in (model, training) if each is not None]
    except (OSError, ValueError, RecursionError, KeyError) as error:
        why = "it is no whole HDF5 file"
        raise _corrupt(why) from error
    if model is None:
        why = "it holds weights without their model"
        raise _corrupt(why)
    return described


def _corrupt(why: str) -> SourceRefused:
    hint = "write it again with model.save"
    return SourceRefused(f"the Keras file cannot be read: {why}", code="keras-corrupt", hint=hint)
