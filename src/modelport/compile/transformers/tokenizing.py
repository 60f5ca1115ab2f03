"""From a tokenizer of transformers to the one document that the runtime executes."""

from __future__ import annotations

from typing import Any

from modelport.compile.transformers.subject import Subject
from modelport.compile.transformers.tags import tags_of
from modelport.errors import Unsupported
from modelport.runtimes.transformer.spec import Feed, Transformer

_ENDLESS = 1 << 20
"""transformers writes 1e30 where a tokenizer knows no maximum."""
_USUAL = 512


def document(subject: Subject) -> bytes:
    """The tokenizer as the runtime reads it."""
    from tokenizers import normalizers

    made = fast(subject.tokenizer)
    if subject.pooling.lower:
        known = [made.normalizer] if made.normalizer is not None else []
        made.normalizer = normalizers.Sequence([normalizers.Lowercase(), *known])
    return bytes(made.to_str().encode())


def fast(tokenizer: Any) -> Any:
    """The tokenizer's part in Rust, a copy without padding and truncation.

    Raises `Unsupported` (`tokenizer-absent`) when it has none and cannot be turned into one.
    """
    from tokenizers import Tokenizer

    found = tokenizer.backend_tokenizer if getattr(tokenizer, "is_fast", False) else _converted(tokenizer)
    made = Tokenizer.from_str(found.to_str())
    made.no_padding()
    made.no_truncation()
    return made


def spec_of(subject: Subject) -> Transformer:
    """What the runtime has to know. Raises `Unsupported` for a tokenizer that cuts texts from the left."""
    tokenizer = subject.tokenizer
    if tokenizer.truncation_side != "right":
        msg = "the tokenizer cuts long texts at their beginning, which is not served"
        raise Unsupported(msg, hint="set truncation_side='right' if the model was trained so")
    vocabulary = int(subject.model.get_input_embeddings().num_embeddings)
    pad = tokenizer.pad_token_id
    tags = tags_of(subject.classes)[0] if subject.kind == "tokens" else ()
    return Transformer(max_length(subject), vocabulary, 0 if pad is None else int(pad), feeds(subject), tags)


def max_length(subject: Subject) -> int:
    """Most tokens of a text: the least that tokenizer, model and folder say; 512 where none says."""
    config = subject.model.config
    said = (
        subject.tokenizer.model_max_length,
        getattr(config, "max_position_embeddings", None),
        _positions(subject.model),
        subject.pooling.max_length,
    )
    known = [int(each) for each in said if each is not None and 0 < each < _ENDLESS]
    return min(known, default=_USUAL)


def feeds(subject: Subject) -> tuple[Feed, ...]:
    """Inputs of the graph: those that the model takes and the tokenizer gives."""
    import inspect

    taken = inspect.signature(subject.model.forward).parameters
    found: list[Feed] = ["input_ids"]
    if "attention_mask" in taken:
        found.append("attention_mask")
    if "token_type_ids" in taken and "token_type_ids" in subject.tokenizer.model_input_names:
        found.append("token_type_ids")
    return tuple(found)


def _positions(model: Any) -> int | None:
    """Rows of the table of positions; some models leave those up to the padding's number unused."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings) - unused
    return None


def _converted(tokenizer: Any) -> Any:
    from transformers.convert_slow_tokenizer import convert_slow_tokenizer

    try:
        return convert_slow_tokenizer(tokenizer)
    except Exception as error:
        msg = f"{type(tokenizer).__name__} has no form that runs without Python"
        raise Unsupported(
            msg, code="tokenizer-absent", hint="use a fast tokenizer: AutoTokenizer.from_pretrained"
        ) from error
