"""Models with tensors in and the outputs of a task out: what is traced. Imported where PyTorch is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from modelport.compile.transformers.pooling import Dense, Mode
from modelport.compile.transformers.subject import Subject

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "classification": ("label", "probabilities"),
    "multilabel": ("labels", "probabilities"),
    "regression": ("value",),
    "entities": ("token_labels", "token_scores"),
    "transform": ("values",),
}
"""Outputs of a task, in order."""


class Answering(nn.Module):  # type: ignore[misc]  # PyTorch is not typed here
    """A model of transformers that answers as its task says."""

    def __init__(self, subject: Subject, feeds: Sequence[str]) -> None:
        super().__init__()
        self.model = subject.model
        self._feeds = tuple(feeds)
        self._finish = _FINISH[subject.task]
        self.pool = Pool(subject) if subject.kind == "encoder" else None
        self.eval()  # the exporter puts a model back into the mode of its outermost module

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Outputs of `ANSWERS`, rows first. Takes the feeds in order."""
        given = dict(zip(self._feeds, tensors, strict=True))
        answer = self.model(**given, return_dict=True)
        if self.pool is not None:
            mask = given.get("attention_mask", torch.ones_like(given["input_ids"]))
            return (self.pool(answer.last_hidden_state, mask),)
        return self._finish(answer.logits)


def _classified(logits: Tensor) -> tuple[Tensor, ...]:
    return logits.argmax(-1), logits.softmax(-1)


def _several(logits: Tensor) -> tuple[Tensor, ...]:
    probabilities = logits.sigmoid()
    return (probabilities > 0.5).to(torch.int64), probabilities


def _number(logits: Tensor) -> tuple[Tensor, ...]:
    return (logits[:, 0] if logits.shape[1] == 1 else logits,)


def _tokens(logits: Tensor) -> tuple[Tensor, ...]:
    return logits.argmax(-1), logits.softmax(-1).amax(-1)


def _vector(values: Tensor) -> tuple[Tensor, ...]:
    return (values,)


_FINISH: Mapping[str, Callable[[Tensor], tuple[Tensor, ...]]] = {
    "classification": _classified,
    "multilabel": _several,
    "regression": _number,
    "entities": _tokens,
    "transform": _vector,
}


class Pool(nn.Module):  # type: ignore[misc]  # as above
    """The vector of a text: its tokens' pooled, then the layers behind."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._modes = subject.pooling.modes
        self.after = nn.ModuleList(map(_layer, subject.pooling.after))

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """`[rows, width]` from `[rows, tokens, width]` and the mask of the tokens that count."""
        seen = mask.unsqueeze(-1).to(hidden.dtype)
        pooled = torch.cat([_POOLED[mode](hidden, seen) for mode in self._modes], -1)
        for layer in self.after:
            pooled = layer(pooled)
        return pooled


def _mean(hidden: Tensor, seen: Tensor) -> Tensor:
    return (hidden * seen).sum(1) / seen.sum(1).clamp(min=1e-9)


def _sqrt(hidden: Tensor, seen: Tensor) -> Tensor:
    return (hidden * seen).sum(1) / seen.sum(1).clamp(min=1e-9).sqrt()


def _weighted(hidden: Tensor, seen: Tensor) -> Tensor:
    return _mean(hidden, seen * seen.cumsum(1))


def _first(hidden: Tensor, seen: Tensor) -> Tensor:  # noqa: ARG001 (one shape for all)
    return hidden[:, 0]


def _highest(hidden: Tensor, seen: Tensor) -> Tensor:
    return hidden.masked_fill(seen == 0, -1e9).amax(1)


_POOLED: Mapping[Mode, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": _mean,
    "sqrt": _sqrt,
    "weighted": _weighted,
    "cls": _first,
    "max": _highest,
}


class _Unit(nn.Module):  # type: ignore[misc]  # as above
    """Scales vectors to length 1."""

    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.normalize(values, dim=-1)


def _layer(dense: Dense | None) -> Any:
    if dense is None:
        return _Unit()
    linear = nn.Linear(dense.weight.shape[1], dense.weight.shape[0], bias=dense.bias is not None)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(dense.weight))
        if dense.bias is not None:
            linear.bias.copy_(torch.from_numpy(dense.bias))
    return nn.Sequential(linear, getattr(nn, dense.activation)())
