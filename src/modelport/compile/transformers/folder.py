"""A folder as `save_pretrained` writes it: what is refused before anything of it is loaded, and loading it.

Weights come from safetensors only, and no code of the folder is ever run.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import msgspec

from modelport.errors import SourceRefused, Unsupported

CONFIG = "config.json"
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")


def config_of(folder: Path) -> dict[str, Any]:
    """The configuration of the model in `folder`, which names no code and has weights that are no pickle.

    Raises `SourceRefused` (`source-absent`, `source-links`, `remote-code`, `weights-pickled`), `Unsupported`.
    """
    _check_links(folder)
    config = _config(folder / CONFIG)
    if "auto_map" in config or config.get("trust_remote_code"):
        msg = "the model needs Python code of its author, which is never run"
        hint = "use an architecture that transformers has itself, or export the model to ONNX"
        raise SourceRefused(msg, code="remote-code", hint=hint)
    if not any(folder.glob("*.safetensors")):
        _refuse_weights(folder)
    return config


def load_model(folder: Path, auto: str) -> Any:
    """The model in `folder` by the class `auto` of transformers, in float32 on the processor.

    Raises `Unsupported` when transformers does not take it.
    """
    library = getattr(_transformers(), auto)
    try:
        with _quiet():
            return library.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="float32"
            ).eval()
    except Exception as error:
        raise _unreadable(auto, error) from error


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in `folder`. Raises `Unsupported` (`tokenizer-absent`)."""
    if not any(found for pattern in _TOKENIZERS for found in folder.glob(pattern)):
        msg = "the folder has no tokenizer"
        hint = "save it there with tokenizer.save_pretrained"
        raise Unsupported(msg, code="tokenizer-absent", hint=hint)
    transformers = _transformers()
    try:
        with _quiet():
            return transformers.AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        refused = _unreadable("AutoTokenizer", error)
        raise Unsupported(
            refused.message,
            code="tokenizer-absent",
            hint="save tokenizer.json with tokenizer.save_pretrained",
        ) from error


def _transformers() -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a folder is all there is
    try:
        import torch  # noqa: F401 (transformers comes without it, and says so late)
        import transformers
    except ImportError as error:
        msg = f"{error.name} is not installed, which loads the model"
        raise Unsupported(msg, code="extra-missing", hint="pip install 'modelport[transformers]'") from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


def _quiet() -> warnings.catch_warnings[None]:
    return warnings.catch_warnings(action="ignore")


def _config(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        msg = f"the folder has no {path.name}"
        raise SourceRefused(msg, code="source-absent") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path.name} is not a JSON object"
        raise SourceRefused(msg, code="source-mismatch") from error


def _refuse_weights(folder: Path) -> None:
    if any(found for pattern in _PICKLES for found in folder.glob(pattern)):
        msg = "the weights are a pickle, which can run any code when it is loaded"
        hint = "where you trust it, load it and call model.save_pretrained(folder): that writes safetensors"
        raise SourceRefused(msg, code="weights-pickled", hint=hint)
    msg = "the folder has no weights in safetensors"
    raise SourceRefused(msg, code="source-absent", hint="save it with model.save_pretrained(folder)")


def _check_links(folder: Path) -> None:
    if any(path.is_symlink() and not path.exists() for path in folder.rglob("*")):
        msg = "files of the folder are links that lead out of it"
        raise SourceRefused(msg, code="source-links", hint="copy it with its files, as with cp -rL")


def _unreadable(name: str, error: Exception) -> Unsupported:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    msg = f"{name} of transformers cannot load the folder: {reason}"
    return Unsupported(msg, hint="does it load by hand, with the same version of transformers?")
