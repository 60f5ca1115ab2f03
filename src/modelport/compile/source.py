"""A model file on its way in: what it says it is, what its bytes say, and whether that is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelport.bundle import magic
from modelport.errors import SourceRefused

Form = Literal["onnx", "skops", "pickle"]

MAX_BYTES = 4 << 30

_FORMS: Mapping[str, Form] = {
    ".onnx": "onnx",
    ".skops": "skops",
    ".joblib": "pickle",
    ".pkl": "pickle",
    ".pickle": "pickle",
}
_KINDS: Mapping[Form, frozenset[magic.Kind]] = {
    "onnx": frozenset({"onnx"}),
    "skops": frozenset({"skops"}),
    "pickle": frozenset({"pickle", "compressed"}),  # joblib compresses
}
_ELSEWHERE: Mapping[str, str] = {
    ".pt": "export it with torch.onnx.export",
    ".pth": "export it with torch.onnx.export",
    ".h5": "export it with tf2onnx",
    ".keras": "export it with model.export(..., format='onnx')",
    ".safetensors": "weights alone are no model; export the model to ONNX",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A model file, and perhaps its vectorizer, whose bytes are what their names say.

    Nothing is loaded: `pickle` and `skops` only ever are inside the sandbox.
    """

    form: Form
    path: Path
    vectorizer: Path | None = None


def open_source(path: Path, *, trust_pickle: bool, vectorizer: Path | None = None) -> Source:
    """The source in `path`, judged by name and by bytes; both must agree.

    Raises `SourceRefused`: `source-absent`, `source-unknown` for a kind that is not read, `source-mismatch`
    when name and bytes differ, `pickle-untrusted` for a pickle without `trust_pickle`.
    """
    form = _form(path, trust_pickle=trust_pickle)
    if vectorizer is None:
        return Source(form, path)
    if form == "onnx" or _form(vectorizer, trust_pickle=trust_pickle) != form:
        msg = "the vectorizer and the model are not in files of the same kind"
        raise SourceRefused(msg, code="source-mismatch", hint="a vectorizer goes with a pickled model")
    return Source(form, path, vectorizer)


def _form(path: Path, *, trust_pickle: bool) -> Form:
    form = _FORMS.get(path.suffix.lower())
    if form is None:
        hint = _ELSEWHERE.get(path.suffix.lower(), f"files that are read: {', '.join(_FORMS)}")
        msg = f"{path.name} is not a kind of model file that is read"
        raise SourceRefused(msg, code="source-unknown", hint=hint)
    found = magic.kind_of(_bytes(path))
    if found not in _KINDS[form]:
        msg = f"{path.name} is not {form}: its bytes say {found}"
        raise SourceRefused(msg, code="source-mismatch", hint="give the file the name of what it is")
    if form == "pickle" and not trust_pickle:
        msg = f"{path.name} is a pickle, which can run any code when it is loaded"
        hint = "if you trust its author, use --trust-pickle (trust_pickle=True); it then runs in a sandbox"
        raise SourceRefused(msg, code="pickle-untrusted", hint=hint)
    return form


def _bytes(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path.name}: {error.strerror}"
        raise SourceRefused(msg, code="source-absent") from error
    msg = f"there is no file {path.name} of at most {MAX_BYTES >> 30} GiB"
    raise SourceRefused(msg, code="source-absent")
