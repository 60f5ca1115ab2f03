"""Models on real data that foreign clients ask, and what they answer in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import modelport
from modelport.compile.packed import Packed
from modelport.core.manifest import Manifest
from modelport.core.signature import Field
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.load import load
from modelport.serving.codecs.tensors import NUMPY

Rows = dict[str, Array]


@dataclass(frozen=True)
class Model:
    """A model in this process. Its bundle lies in the folder of its name.

    Attributes:
        manifest: its contract.
        predictor: what a server loads too.
        rows: real ones, by input, of the dtypes of its fields.
    """

    manifest: Manifest
    predictor: Predictor
    rows: Rows

    @property
    def fields(self) -> dict[str, Field]:
        """Inputs by name."""
        return {field.name: field for field in self.manifest.signature.inputs}

    def picked(self, *index: int) -> Rows:
        """Some of the rows."""
        return {name: values[list(index)] for name, values in self.rows.items()}

    def answer(self, rows: Rows) -> dict[str, Any]:
        """By output, what callers shall see: labels for label indices, nested lists otherwise."""
        batch = self.predictor.predict(Batch(len(next(iter(rows.values()))), rows))
        return {name: self._seen(name, batch.array(name)) for name in batch.tensors}

    def _seen(self, name: str, values: Array) -> list[Any]:
        if name == "label" and self.manifest.labels is not None:
            return [self.manifest.labels[index] for index in values]
        seen: list[Any] = values.tolist()
        return seen


def everything(folder: Path) -> dict[str, Model]:
    """All models, by name."""
    makers = {"cells": cells, "patients": patients, "sentences": sentences, "graph": graph}
    return {name: make(folder) for name, make in makers.items()}


def cells(folder: Path) -> Model:
    """One input of 30 numbers: measurements of breast tissue."""
    rows, target = datasets.load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target)
    packed = modelport.pack(model, name="cells", sample=rows[:64], labels=["malignant", "benign"])
    return _kept(packed, folder, input=rows.to_numpy(np.float32)[:7])


def patients(folder: Path) -> Model:
    """Inputs of their own: numbers, one of them at times missing, and words."""
    rows = datasets.load_diabetes(as_frame=True, scaled=False).frame
    worse = rows.pop("target") > 140
    rows["sex"] = rows["sex"].map({1.0: "male", 2.0: "female"})
    rows.loc[::5, "bmi"] = np.nan
    numbers = [name for name in rows if name != "sex"]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), ["sex"]),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(rows, worse.map({True: "worse", False: "same"}))
    packed = modelport.pack(model, name="patients", sample=rows[:64])
    asked = {name: rows[name][:6].to_numpy(object if name == "sex" else np.float64) for name in rows}
    return _kept(packed, folder, **asked)


def sentences(folder: Path) -> Model:
    """Text: which data set a line of a description is about."""
    lines: list[str] = []
    about: list[str] = []
    for name in ("iris", "wine", "diabetes", "digits"):
        described = getattr(datasets, f"load_{name}")().DESCR.splitlines()
        kept = [line.strip() for line in described if len(line.strip()) > 20]
        lines += kept
        about += [name] * len(kept)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(lines, about)
    packed = modelport.pack(model, name="sentences", sample=lines)
    asked = [lines[0], "les pétales sont très jolis, 花", "", lines[-1]]
    return _kept(packed, folder, text=np.array(asked, object))


def graph(folder: Path) -> Model:
    """Tensors of several dtypes and ranks, in and out: the larger image where wanted, and a count."""
    image: list[int | str | None] = ["n", 2, 3]
    nodes = [
        helper.make_node("Where", ["wanted", "left", "right"], ["picked"]),
        helper.make_node("Add", ["count", "count"], ["doubled"]),
        helper.make_node("Not", ["wanted"], ["rest"]),
    ]
    inputs = [
        helper.make_tensor_value_info("wanted", TensorProto.BOOL, image),
        helper.make_tensor_value_info("left", TensorProto.FLOAT, image),
        helper.make_tensor_value_info("right", TensorProto.FLOAT, image),
        helper.make_tensor_value_info("count", TensorProto.INT64, ["n"]),
    ]
    outputs = [
        helper.make_tensor_value_info("picked", TensorProto.FLOAT, image),
        helper.make_tensor_value_info("doubled", TensorProto.INT64, ["n"]),
        helper.make_tensor_value_info("rest", TensorProto.BOOL, image),
    ]
    made = helper.make_graph(nodes, "graph", inputs, outputs)
    onnx_model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(onnx_model)
    pixels = datasets.load_digits().data.astype(np.float32)
    asked = {
        "wanted": pixels[:4, 20:26].reshape(4, 2, 3) > 8,
        "left": pixels[:4, 20:26].reshape(4, 2, 3) / 3,
        "right": pixels[:4, 26:32].reshape(4, 2, 3) / 7,
        "count": np.array([1, -2, 2**53 + 1, 0]),
    }
    packed = modelport.pack(onnx_model, name="graph", sample=asked)
    return _kept(packed, folder, **asked)


def _kept(packed: Packed, folder: Path, **rows: Array) -> Model:
    """The model, saved in `folder`."""
    manifest = packed.manifest
    taken = {field.name: rows[field.name].astype(NUMPY[field.dtype]) for field in manifest.signature.inputs}
    with packed.save(folder / packed.about.name) as bundle:
        return Model(manifest, load(bundle), taken)
