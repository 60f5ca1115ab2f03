"""A model file on its way in: what it says it is, what its bytes say, and whether that is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelport.bundle import magic
from modelport.compile.forms import Form, candidates, readable
from modelport.errors import SourceRefused

MAX_BYTES = 4 << 30

_ELSEWHERE: Mapping[str, str] = {
    ".safetensors": "weights alone are no model; export the model to ONNX",
}

_TORCH = frozenset({"exported program", "TorchScript"})
_PICKLES = frozenset({"torch", "pickle"})
_EXPORT = (
    "load it in Python and give the model itself to modelport.pack, or save it with torch.export.save"
    " (program exported with dynamic_shapes={0: torch.export.Dim('rows')} of its input)"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A model file or folder, perhaps with its vectorizer or a head, whose bytes are what their names say.

    Nothing is loaded: only an ONNX graph ever is outside the sandbox.
    """

    form: Form
    path: Path
    vectorizer: Path | None = None
    head: Path | None = None
    head_form: Form | None = None


def open_source(
    path: Path, *, trust_pickle: bool, vectorizer: Path | None = None, head: Path | None = None
) -> Source:
    """The source in `path`, judged by name and by bytes; both must agree.

    Raises `SourceRefused`: `source-absent`, `source-unknown` for a kind that is not read, `source-mismatch`
    when name and bytes differ, `pickle-untrusted` for a pickle without `trust_pickle`.
    """
    form = _form(path, trust_pickle=trust_pickle)
    if head is not None:
        return _headed(form, path, head, trust_pickle=trust_pickle)
    if vectorizer is None:
        return Source(form, path)
    if form.name == "onnx" or _form(vectorizer, trust_pickle=trust_pickle) != form:
        msg = "the vectorizer and the model are not in files of the same kind"
        raise SourceRefused(msg, code="source-mismatch", hint="a vectorizer goes with a pickled model")
    return Source(form, path, vectorizer)


def _headed(form: Form, path: Path, head: Path, *, trust_pickle: bool) -> Source:
    found = _form(head, trust_pickle=trust_pickle)
    if form.name != "transformers" or found.name not in {"skops", "pickle"}:
        msg = "a head is an estimator of scikit-learn behind a folder of transformers"
        raise SourceRefused(msg, code="source-mismatch", hint="give ENCODER_FOLDER --head head.skops")
    return Source(form, path, head=head, head_form=found)


def _form(path: Path, *, trust_pickle: bool) -> Form:
    form = _by_bytes(path, candidates(path))
    if form.runs_code and not trust_pickle:
        msg = f"{_shown(path)} is a {form.name}, which can run any code when it is loaded"
        hint = "if you trust its author, use --trust-pickle (trust_pickle=True); it then runs in a sandbox"
        raise SourceRefused(msg, code="pickle-untrusted", hint=hint)
    return form


def _by_bytes(path: Path, forms: tuple[Form, ...]) -> Form:
    """The one of the forms that the bytes agree with."""
    if not forms:
        hint = _ELSEWHERE.get(path.suffix.lower(), f"what is read: {readable()}")
        msg = f"{_shown(path)} is not a kind of model file that is read"
        raise SourceRefused(msg, code="source-unknown", hint=hint)
    if path.is_dir():
        return forms[0]
    found = magic.kind_of(_bytes(path))
    form = next((form for form in forms if found in form.kinds), None)
    if form is None and forms[0].name in _TORCH and found in _PICKLES:
        msg = f"{path.name} holds pickled weights or a pickled module: without the code of its class no model"
        raise SourceRefused(msg, code="source-unknown", hint=_EXPORT)
    if form is None:
        msg = f"{_shown(path)} is not {forms[0].name}: its bytes say {found}"
        raise SourceRefused(msg, code="source-mismatch", hint="give the file the name of what it is")
    return form


def _shown(path: Path) -> str:
    """The name of a file, on one line whatever is in it."""
    return path.name if path.name.isprintable() else ascii(path.name)


def _bytes(path: Path) -> bytes:
    try:
        if path.is_file() and path.stat().st_size <= MAX_BYTES:
            return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {_shown(path)}: {error.strerror}"
        raise SourceRefused(msg, code="source-absent") from error
    msg = f"there is no file {_shown(path)} of at most {MAX_BYTES >> 30} GiB"
    raise SourceRefused(msg, code="source-absent")
