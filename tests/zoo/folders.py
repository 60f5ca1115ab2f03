"""Keras files and folders: descriptions that lie, nest too deep, or name what they may not."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import joblib
from sklearn.tree import DecisionTreeClassifier
from tests.zoo.animals import Animal, Write, file, files


def _keras(config: Any, **more: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", config if isinstance(config, bytes) else json.dumps(config))
        archive.writestr("model.weights.h5", more.pop("weights", b"\x89HDF\r\n\x1a\n"))
        for name, data in more.items():
            archive.writestr(name, data)
    return out.getvalue()


def _layer(kind: str, **more: Any) -> dict[str, Any]:
    layer = {"module": "keras.layers", "class_name": kind, "config": {}, "registered_name": None, **more}
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}


def _deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def mlflow(document: str, **more: bytes) -> Write:
    """A folder with this document and a pickle that needs trust."""

    def write(folder: Path) -> Path:
        path = files("model", MLmodel=document.encode(), **more)(folder)
        joblib.dump(DecisionTreeClassifier().fit([[0] * 4, [1] * 4], [0, 1]), path / "model.pkl")
        return path

    return write


_LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
_SKLEARN = "flavors:\n  sklearn:\n    pickled_model: {}\n"
_TENSORS = struct.pack("<Q", 1 << 62) + b"{}"

ANIMALS = (
    Animal("keras-lambda", file("m.keras", _keras(_layer("Lambda"))), "keras-code", "Lambda"),
    Animal("keras-loads-more", file("m.keras", _keras(_layer("TFSMLayer"))), "keras-code", "TFSMLayer"),
    Animal("keras-hidden-lambda", file("m.keras", _keras(_layer("Dense", config={"activation": {
        "class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}))), "keras-code", "Lambda"),
    Animal("keras-foreign-module", file("m.keras", _keras(_layer("system", module="os"))),
           "keras-custom", "system"),
    Animal("keras-own-layer", file("m.keras", _keras(_layer("Own", module=None, registered_name="mine>Own"))),
           "keras-custom", "Own"),
    Animal("keras-deep", file("m.keras", _keras(_deep(900))), "keras-corrupt", "deep"),
    Animal("keras-deeper", file("m.keras", _keras(_deep(100_000))), "keras-corrupt", ""),
    Animal("keras-no-json", file("m.keras", _keras(b"\xff\xfe")), "keras-corrupt", "JSON"),
    Animal("keras-bomb", file("m.keras", _keras({}, weights=bytes(300 << 20))), "keras-corrupt", ""),
    Animal("keras-climbs", file("m.keras", _keras({}, **{"../../owned": b"x"})), "keras-corrupt", ""),
    Animal("keras-pickle", file("m.keras", b"\x80\x04K\x01."), "source-mismatch", "pickle"),
    Animal("h5-cut", file("m.h5", b"\x89HD"), "source-mismatch", "its bytes say"),
    Animal("tflite-cut", file("m.tflite", b"\x1c\x00\x00\x00TFL"), "source-mismatch", "its bytes say"),
    Animal("torch-of-another-name", file("m.keras", _keras({}, **{"data.pkl": b"\x80\x02."})),
           "source-mismatch", "torch"),
    Animal("mlflow-laughs", mlflow(_LAUGHS), "mlflow-corrupt", "other places"),
    Animal("mlflow-type", mlflow("flavors: !!python/object/apply:os.system ['touch owned']\n"),
           "mlflow-corrupt", "type"),
    Animal("mlflow-deep", mlflow("[" * 5000), "mlflow-corrupt", "deep"),
    Animal("mlflow-large", mlflow("# " + "x" * (2 << 20)), "mlflow-corrupt", "larger"),
    Animal("mlflow-no-document", mlflow("just words\n"), "mlflow-corrupt", "form of MLflow"),
    Animal("mlflow-climbs", mlflow(_SKLEARN.format("../../etc/passwd")), "mlflow-corrupt", "names the file"),
    Animal("mlflow-shell", mlflow(_SKLEARN.format('"x; touch owned"')), "mlflow-corrupt", "names the file"),
    Animal("mlflow-newline", mlflow(_SKLEARN.format('"model.pkl\\n--output=/"')),
           "mlflow-corrupt", "names the"),
    Animal("mlflow-dash", mlflow(_SKLEARN.format('"--help"')), "mlflow-corrupt", "names the file"),
    Animal("mlflow-flavour", mlflow("flavors:\n  rust: {}\n"), "mlflow-flavour", "'rust'"),
    Animal("mlflow-python", mlflow("flavors:\n  python_function:\n    loader_module: os\n"),
           "mlflow-flavour", "Python function"),
    Animal("mlflow-signature", mlflow(_SKLEARN.format("model.pkl") + "signature:\n  inputs: '[[[['\n"),
           "mlflow-corrupt", "signature"),
    Animal("folder-of-nothing", files("model", readme=b"hello"), "source-unknown", "kind of model"),
    Animal("transformers-header-of-exabytes",
           files("model", config__json=b'{"model_type":"bert"}', model__safetensors=_TENSORS),
           "unsupported-model", "architecture"),
    Animal("no-such-file", lambda folder: folder / "absent.onnx", "source-absent", "no file"),
    Animal("a-name-with-a-newline", file("m\n.exe", b"MZ"), "source-unknown", ""),
)  # fmt: skip
