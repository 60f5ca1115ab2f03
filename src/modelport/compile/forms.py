"""The kinds of model files and folders that are read: by what names, with what bytes, and who loads them.

A row is all that a new format needs besides its compiler. The loader's module is imported inside the sandbox
only, so a row costs nothing where its library is not installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelport.bundle import magic

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of model file, or of folder.

    Attributes:
        name: as the conversion inside the sandbox is told.
        endings: of file names, lower case; none for a folder.
        kinds: what the bytes of the file must be.
        loader: module with `load(path: Path) -> Any`, imported inside the sandbox; empty for a form that is
            read without one.
        marker: the file that makes a folder one of this form; empty for a file.
        runs_code: whether loading it can run what its author wrote: then trust must be given.
        memory: address space for the conversion, in bytes.
        scratch: whether its library writes temporary files of its own: a sandbox without a place for them
            will not do.
    """

    name: str
    endings: tuple[str, ...]
    kinds: frozenset[magic.Kind]
    loader: str = ""
    marker: str = ""
    runs_code: bool = False
    memory: int = 4 * GIB
    scratch: bool = False


_SANDBOX = "modelport.compile.sandbox"


def _tensorflow(
    name: str, endings: tuple[str, ...], kind: magic.Kind | None, loader: str, marker: str = ""
) -> Form:
    """A form that TensorFlow loads: it reserves far more addresses than it uses."""
    kinds = frozenset({kind} if kind else ())
    return Form(name, endings, kinds, f"{_SANDBOX}.{loader}", marker, memory=16 * GIB, scratch=True)


FORMS: tuple[Form, ...] = (
    Form("onnx", (".onnx",), frozenset({"onnx"})),
    Form("skops", (".skops",), frozenset({"skops"}), f"{_SANDBOX}.load_skops"),
    Form("exported program", (".pt2",), frozenset({"torch-export"}), f"{_SANDBOX}.load_pt2", memory=16 * GIB),
    Form(
        "TorchScript",
        (".pt", ".pth"),
        frozenset({"torchscript"}),
        f"{_SANDBOX}.load_torchscript",
        memory=16 * GIB,
    ),
    Form(
        "pickle",
        (".joblib", ".pkl", ".pickle"),
        frozenset({"pickle", "compressed"}),  # joblib compresses
        f"{_SANDBOX}.load_pickle",
        runs_code=True,
    ),
    Form("transformers", (), frozenset(), f"{_SANDBOX}.load_transformers", "config.json", memory=32 * GIB),
    _tensorflow("keras", (".keras",), "keras", "load_keras"),
    _tensorflow("keras-h5", (".h5", ".hdf5"), "hdf5", "load_keras"),
    _tensorflow("tflite", (".tflite",), "tflite", "load_tflite"),
    _tensorflow("savedmodel", (), None, "load_savedmodel", marker="saved_model.pb"),
    Form("xgboost", (".ubj",), frozenset({"ubjson"}), f"{_SANDBOX}.load_xgboost"),
    Form("lightgbm", (".txt", ".lgb"), frozenset({"text"}), f"{_SANDBOX}.load_lightgbm"),
    Form("catboost", (".cbm", ".cb"), frozenset({"catboost"}), f"{_SANDBOX}.load_catboost"),
    Form("json", (".json",), frozenset({"json"}), f"{_SANDBOX}.load_json"),
)
"""Every form, in the order they are tried where several share an ending."""


def named(name: str) -> Form:
    """The form called `name`; raises `KeyError`."""
    return next(form for form in FORMS if form.name == name)


def candidates(path: Path) -> tuple[Form, ...]:
    """Forms that the name of a file, or the content of a folder, allows."""
    if path.is_dir():
        return tuple(form for form in FORMS if form.marker and (path / form.marker).is_file())
    return tuple(form for form in FORMS if path.suffix.lower() in form.endings)


def readable() -> str:
    """What is read, for people."""
    endings = [ending for form in FORMS for ending in form.endings]
    folders = [f"a folder with {form.marker}" for form in FORMS if form.marker]
    return ", ".join([*dict.fromkeys(endings), *folders])
