"""A text model as the compile step sees it: model, tokenizer, and what its answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelport.compile.transformers import folder as folders
from modelport.compile.transformers.classes import classes_of
from modelport.compile.transformers.pooling import Pooling, read
from modelport.compile.transformers.tags import tags_of
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import Unsupported

Kind = Literal["sequence", "tokens", "encoder"]
"""What the model has behind its encoder: a head on the whole text, on each token, or none."""

_HEADS: dict[str, tuple[Kind, str]] = {
    "ForSequenceClassification": ("sequence", "AutoModelForSequenceClassification"),
    "ForTokenClassification": ("tokens", "AutoModelForTokenClassification"),
}
_LANGUAGE = ("ForMaskedLM", "ForPreTraining", "Model")
"""Ends of the names of encoders; a head that fills in masks is left out."""

_REFUSED = {
    "ForConditionalGeneration": "it writes texts: generation is not served yet",
    "ForCausalLM": "it writes texts: generation is not served yet",
    "LMHeadModel": "it writes texts: generation is not served yet",
    "ForQuestionAnswering": "it takes a question and a text, and one item is one text",
    "ForMultipleChoice": "it takes several texts at once, and one item is one text",
    "ForNextSentencePrediction": "it takes two texts at once, and one item is one text",
    "ForImageClassification": "it reads images, and this compiler reads texts",
    "ForAudioClassification": "it hears, and this compiler reads texts",
    "ForCTC": "it hears, and this compiler reads texts",
    "ForSpeechSeq2Seq": "it hears, and this compiler reads texts",
}


_MIXES = "it mixes a text with the padding beside it: an answer would depend on other rows of its batch"
_WINDOWS = "its attention works in windows, which need texts of certain lengths"
_UNSUITED = {
    "big_bird": _WINDOWS,
    "convbert": _MIXES,
    "fnet": _MIXES,
    "funnel": _MIXES,
    "longformer": _WINDOWS,
    "nystromformer": _MIXES,
    "reformer": _WINDOWS,
    "xlnet": "it reads the end of a row, where the padding stands",
}
"""Architectures whose answers change with the length of a row."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model of transformers with its tokenizer.

    Attributes:
        model: a `PreTrainedModel` in evaluation mode, float32, on the processor.
        tokenizer: a tokenizer of transformers.
        kind: what is behind the encoder.
        pooling: how a text's vector is made, where there is no head.
        task, labels: what the answers mean.
    """

    model: Any
    tokenizer: Any
    kind: Kind
    pooling: Pooling
    task: Task
    labels: tuple[Label, ...] | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes as the model's configuration has them."""
        return classes_of(self.model.config)


def of_folder(path: Path, *, headless: bool = False) -> Subject:
    """The model in a folder; only its encoder where `headless`, for a head of another kind.

    Raises `SourceRefused` and `Unsupported`, before anything is loaded where the folder alone tells.
    """
    config = folders.config_of(path)
    name = architecture(config)
    kind, auto = _kind(name)
    if headless or (path / "modules.json").is_file():
        kind, auto = "encoder", "AutoModel"
    pooling = read(path)
    tokenizer = folders.load_tokenizer(path)
    return _subject(folders.load_model(path, auto), tokenizer, kind, pooling)


def of_pair(model: Any, tokenizer: Any) -> Subject:
    """A live model with its tokenizer. The model is not changed."""
    return _subject(_prepared(model), tokenizer, _kind(type(model).__name__)[0], Pooling())


def is_encoder(path: Path) -> bool:
    """Whether a folder holds an encoder without a head for a task; refused as in `of_folder`."""
    if (path / "modules.json").is_file():
        return True
    return _kind(architecture(folders.config_of(path)))[0] == "encoder"


def architecture(config: dict[str, Any]) -> str:
    """The class that `config.json` names. Raises `Unsupported`."""
    names = config.get("architectures")
    if not isinstance(names, list) or not names or not isinstance(names[0], str):
        msg = "config.json names no architecture"
        raise Unsupported(msg, hint="save the model again with model.save_pretrained")
    return names[0]


def _kind(name: str) -> tuple[Kind, str]:
    for ending, reason in _REFUSED.items():
        if name.endswith(ending):
            msg = f"{name} cannot be packed: {reason}"
            raise Unsupported(msg, hint="docs/reference/compilers.md lists what can")
    for ending, found in _HEADS.items():
        if name.endswith(ending):
            return found
    if name.endswith(_LANGUAGE):
        return "encoder", "AutoModel"
    msg = f"the head of {name} is not one that is known"
    raise Unsupported(msg, hint="pack a model for sequences, for tokens, or an encoder alone")


def _subject(model: Any, tokenizer: Any, kind: Kind, pooling: Pooling) -> Subject:
    if getattr(model.config, "is_encoder_decoder", False):
        msg = f"{type(model).__name__} has a decoder, and only encoders are packed"
        raise Unsupported(msg, hint="pack its encoder, or a classifier without a decoder")
    if model.config.model_type in _UNSUITED:
        msg = f"{type(model).__name__} cannot be packed: {_UNSUITED[model.config.model_type]}"
        raise Unsupported(msg, hint="docs/reference/compilers.md lists what can")
    if kind == "encoder":
        return Subject(_core(model), tokenizer, kind, pooling, "transform", None)
    if kind == "tokens":
        return Subject(model, tokenizer, kind, pooling, "entities", tags_of(classes_of(model.config))[1])
    task = _task(model.config)
    labels = None if task == "regression" else classes_of(model.config)
    return Subject(model, tokenizer, kind, pooling, task, labels)


def _core(model: Any) -> Any:
    """The encoder without a head that fills in masks."""
    return model if type(model).__name__.endswith("Model") else model.base_model


def _task(config: Any) -> Task:
    problem = config.problem_type
    if problem == "regression" or (problem is None and config.num_labels == 1):
        return "regression"
    return "multilabel" if problem == "multi_label_classification" else "classification"


def _prepared(model: Any) -> Any:
    """The model, or a copy of it where it has to be changed: in float32 on the processor, not in training."""
    import copy

    import torch

    plain = all(
        each.dtype == torch.float32 and each.device.type == "cpu"
        for each in model.parameters()
        if each.is_floating_point()
    )
    return model if plain and not model.training else copy.deepcopy(model).to("cpu", torch.float32).eval()
