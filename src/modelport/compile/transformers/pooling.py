"""How a sentence's embedding is made of its tokens': as a sentence-transformers folder says, or their mean.

Reimers and Gurevych, Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks (2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from modelport.errors import SourceRefused, Unsupported

Mode = Literal["mean", "cls", "max", "sqrt", "weighted"]

_MODES: Mapping[str, Mode] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "sqrt",
    "pooling_mode_weightedmean_tokens": "weighted",
}
_NEW_NAMES: Mapping[str, Mode] = {
    "cls": "cls", "max": "max", "mean": "mean", "mean_sqrt_len_tokens": "sqrt", "weightedmean": "weighted",
}  # fmt: skip
"""In the order in which their results are joined where there are several."""

_ACTIVATIONS = {"Identity", "Tanh", "ReLU", "GELU", "Sigmoid"}


@dataclass(frozen=True, slots=True)
class Dense:
    """A layer behind the pooling: weights `[out, in]`, bias `[out]` or None, and a function of `torch.nn`."""

    weight: Any
    bias: Any
    activation: str


@dataclass(frozen=True, slots=True)
class Pooling:
    """What is done with the last hidden state.

    Attributes:
        modes: results are joined in this order.
        after: layers, and None where the vector is scaled to length 1.
        max_length: most tokens of a text, None where only the model limits them.
        lower: texts are lower-cased first.
    """

    modes: tuple[Mode, ...] = ("mean",)
    after: tuple[Dense | None, ...] = ()
    max_length: int | None = None
    lower: bool = False


def read(folder: Path) -> Pooling:
    """What `modules.json` of a folder says; the mean of the tokens where there is none.

    Raises `Unsupported` for a module that is not known, `SourceRefused` for weights in a pickle.
    """
    listed = _json(folder / "modules.json", [])
    if not isinstance(listed, list):
        msg = "modules.json is not a list of modules"
        raise Unsupported(msg)
    if not listed:
        return Pooling()
    _check_prompts(folder)
    kinds = [(_kind(module), folder / str(module.get("path", ""))) for module in listed]
    if [kind for kind, _ in kinds[:2]] != ["Transformer", "Pooling"]:
        begins = " and ".join(kind for kind, _ in kinds[:2])
        msg = f"modules.json begins with {begins}, not with Transformer and Pooling"
        raise Unsupported(msg, hint="pack the encoder alone, or fit a head on its embeddings")
    settings = _json(kinds[0][1] / "sentence_bert_config.json", {})
    return Pooling(
        modes=_modes(_json(kinds[1][1] / "config.json", {})),
        after=tuple(_layer(kind, path) for kind, path in kinds[2:]),
        max_length=settings.get("max_seq_length"),
        lower=bool(settings.get("do_lower_case")),
    )


def _kind(module: Any) -> str:
    return str(module.get("type", "")).rpartition(".")[2] if isinstance(module, dict) else ""


def _modes(config: Mapping[str, Any]) -> tuple[Mode, ...]:
    if isinstance(config.get("pooling_mode"), str):
        names = [config["pooling_mode"]]
        found = [_NEW_NAMES[name] for name in names if name in _NEW_NAMES]
    else:
        names = [name for name, on in config.items() if name.startswith("pooling_mode_") and on]
        found = [mode for name, mode in _MODES.items() if name in names]
    if not found or len(found) != len(names):
        msg = f"the pooling {', '.join(names) or 'of the folder'} is not known"
        raise Unsupported(msg, hint="known are cls, max, mean, mean_sqrt_len and weightedmean")
    return tuple(found)


def _layer(kind: str, path: Path) -> Dense | None:
    if kind == "Normalize":
        return None
    if kind != "Dense":
        msg = f"the module {kind[:60]!a} behind the pooling is not known"
        raise Unsupported(msg, hint="known are Dense and Normalize")
    return _dense(path)


def _dense(path: Path) -> Dense:
    from safetensors.numpy import load_file

    config = _json(path / "config.json", {})
    activation = str(config.get("activation_function", "")).rpartition(".")[2]
    if activation not in _ACTIVATIONS:
        msg = f"the activation {activation[:60]!a} of a dense layer is not known"
        raise Unsupported(msg, hint=f"known are {', '.join(sorted(_ACTIVATIONS))}")
    weights = path / "model.safetensors"
    if not weights.is_file():
        msg = f"the weights of {path.name} are not in safetensors"
        raise SourceRefused(msg, code="weights-pickled", hint="save the model again with its newest library")
    tensors = load_file(weights)
    return Dense(tensors["linear.weight"], tensors.get("linear.bias"), activation)


def _check_prompts(folder: Path) -> None:
    prompt = _json(folder / "config_sentence_transformers.json", {}).get("default_prompt_name")
    if prompt:
        msg = f"the model puts the prompt {str(prompt)[:60]!a} before every text, which is not served"
        raise Unsupported(msg, hint="set default_prompt_name to null, and send texts with the prompt")


def _json(path: Path, absent: Any) -> Any:
    if not path.is_file():
        return absent
    try:
        return msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path.name} is not JSON"
        raise Unsupported(msg) from error
