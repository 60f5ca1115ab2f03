"""From a module of PyTorch to an ONNX graph with variable rows and tokens."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from modelport.compile.sklearn.convert import OPSET
from modelport.errors import Unsupported

_LARGEST = 1_900 << 20
"""A graph is one protobuf message, which holds 2 GiB at most."""


def traced(module: Any, feeds: Sequence[str], outputs: Sequence[str], vocabulary: int) -> bytes:
    """The graph of `module`, which takes INT64 tensors `[rows, tokens]`.

    By the tracing exporter of PyTorch, whose graphs ONNX Runtime runs fastest; by the other where that fails.
    Raises `Unsupported` with the reason where neither has a form for a part of the module.
    """
    _check_size(module)
    example = _example(feeds, vocabulary)
    with _plain_attention(module), _silence():
        try:
            return _by_tracing(module, example, feeds, outputs)
        except Exception as error:  # noqa: BLE001 (an exporter raises whatever the model's code leads to)
            first = error
        try:
            return _by_export(module, example, feeds, outputs)
        except Exception as error:
            reason = " ".join(str(first).split())[:300] or type(first).__name__
            msg = f"{type(module.model).__name__} has no ONNX form: {reason}"
            raise Unsupported(msg, hint="docs/reference/compilers.md lists what can be packed") from error


def _by_tracing(module: Any, example: tuple[Any, ...], feeds: Sequence[str], outputs: Sequence[str]) -> bytes:
    import torch

    out = io.BytesIO()
    torch.onnx.export(
        module,
        example,
        out,
        dynamo=False,
        input_names=list(feeds),
        output_names=list(outputs),
        dynamic_axes={name: {0: "rows", 1: "tokens"} for name in feeds}
        | {name: {0: "rows"} for name in outputs},
        opset_version=OPSET,
    )
    return out.getvalue()


def _by_export(module: Any, example: tuple[Any, ...], feeds: Sequence[str], outputs: Sequence[str]) -> bytes:
    import torch

    variable = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    program = torch.onnx.export(
        module,
        example,
        dynamo=True,
        input_names=list(feeds),
        output_names=list(outputs),
        dynamic_shapes=((variable,) * len(feeds),),
        opset_version=OPSET,
        verbose=False,
    )
    return bytes(program.model_proto.SerializeToString())


def _example(feeds: Sequence[str], vocabulary: int) -> tuple[Any, ...]:
    """Two rows, one shorter: no number in them could be taken for a constant of the model."""
    import torch

    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, vocabulary, (2, 7), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
    return tuple(known[name] for name in feeds)


@contextmanager
def _plain_attention(module: Any) -> Iterator[None]:
    """Attention written out, which exporters know, as long as it lasts; the model is left as it was."""
    model = module.model
    before = getattr(model.config, "_attn_implementation", None)
    with suppress(ValueError, AttributeError):  # a model that has only one kind
        model.set_attn_implementation("eager")
    try:
        yield
    finally:
        with suppress(ValueError, AttributeError):
            if before is not None:
                model.set_attn_implementation(before)


@contextmanager
def _silence() -> Iterator[None]:
    """What exporters mutter is for their own makers; whether the graph is right is judged by its answers."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _check_size(module: Any) -> None:
    size = sum(each.numel() * each.element_size() for each in module.parameters())
    if size > _LARGEST:
        msg = f"its weights take {size / (1 << 30):.1f} GiB, and a graph holds 2 GiB at most"
        raise Unsupported(msg, hint="use a smaller or distilled model")
