"""Keras files, `.keras` and `.h5`: weights and a description of layers, no code."""

from __future__ import annotations

import json
import re
import zipfile
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
    check(_described(path) if path.suffix.lower() == ".keras" else _described_in_hdf5(path))
    places.prepare()
    import keras

    try:
        # Compiled, where its loss is one of Keras: the loss says what the outputs mean.
        return keras.saving.load_model(path, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError) as error:
        line = (str(error).splitlines() or [""])[0]
        unknown = re.match(r"Unknown [\w ]+: '?([\w>.]+)", line)
        if unknown:
            raise custom(unknown[1]) from error
        why = f"{type(error).__name__}: {line[:200]}"
        raise _corrupt(why) from error


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
