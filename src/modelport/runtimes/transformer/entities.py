"""From classes of tokens to entities in a text.

A word has the class of its first token, which is what such models are trained on; an entity is a run of words
of one label that none of them begins anew (Ramshaw and Marcus, Text Chunking using Transformation-Based
Learning, 1995). Its score is the mean of its words'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelport.runtimes.batch import Array, Batch, Ragged, Tensor
from modelport.runtimes.transformer.padding import Integers
from modelport.runtimes.transformer.spec import Tag

TOKEN_LABELS, TOKEN_SCORES = "token_labels", "token_scores"
"""What the graph answers: class INT64 and its probability FP32, `[rows, tokens]`."""

TEXT = "text"
FIRST, START, END = "first", "start", "end"
"""Of every word of a prepared text: its first token, and where it stands in characters."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: an index into the labels, its place in characters, and how sure the model is."""

    label: int
    start: int
    end: int
    score: float


def words(encodings: Sequence[Any], texts: Sequence[str]) -> dict[str, Tensor]:
    """The words of every text as its tokenizer told them apart: the tensors `first`, `start` and `end`."""
    rows = [list(_words(each, text)) for each, text in zip(encodings, texts, strict=True)]
    names = (FIRST, START, END)
    return {name: _ragged([[word[part] for word in row] for row in rows]) for part, name in enumerate(names)}


def _words(encoding: Any, text: str) -> Iterator[tuple[int, int, int]]:
    """First token, start and end of each word; white space around it is not part of it."""
    last = first = start = end = None
    for place, (word, (begins, ends)) in enumerate(zip(encoding.word_ids, encoding.offsets, strict=True)):
        if word is None or word != last:
            if last is not None:
                yield from _trimmed(text, first, start, end)
            first, start = place, begins
        last, end = word, ends
    if last is not None:
        yield from _trimmed(text, first, start, end)


def _trimmed(text: str, first: Any, start: Any, end: Any) -> Iterator[tuple[int, int, int]]:
    word = text[start:end]
    if stripped := word.strip():
        begins = start + len(word) - len(word.lstrip())
        yield first, begins, begins + len(stripped)


@dataclass(frozen=True, slots=True)
class Marks:
    """What is known of the words of one text: class, score and place of each."""

    classes: Integers
    scores: Array
    starts: Integers
    ends: Integers


def entities(tags: Sequence[Tag], marks: Marks) -> list[Entity]:
    """The entities of one text, in order."""
    found: list[Entity] = []
    label: int | None = None
    run: list[int] = []
    for word, number in enumerate(marks.classes.tolist()):
        tag = tags[number]
        if tag.begins or tag.label != label:
            found += _joined(label, run, marks)
            label, run = tag.label, []
        run.append(word)
    return found + _joined(label, run, marks)


def _joined(label: int | None, run: list[int], marks: Marks) -> list[Entity]:
    """The entity that a run of words makes, if it makes one."""
    if label is None or not run:
        return []
    score = float(np.mean(marks.scores[run]))
    return [Entity(label, int(marks.starts[run[0]]), int(marks.ends[run[-1]]), score)]


def answered(rows: Sequence[Sequence[Entity]], texts: Sequence[str]) -> dict[str, Ragged]:
    """The output tensors of the task `entities`."""
    pairs = list(zip(rows, texts, strict=True))
    return {
        "text": _ragged([[text[each.start : each.end] for each in row] for row, text in pairs], object),
        "label": _ragged([[each.label for each in row] for row in rows]),
        "start": _ragged([[each.start for each in row] for row in rows]),
        "end": _ragged([[each.end for each in row] for row in rows]),
        "score": _ragged([[each.score for each in row] for row in rows], np.float32),
    }


def of_batch(
    tags: Sequence[Tag], prepared: Batch, found: Mapping[int, tuple[Array, Array]]
) -> dict[str, Ragged]:
    """The entities of every row; `found` are the classes and scores of its tokens by row."""
    texts: list[str] = prepared.array(TEXT).tolist()
    first, start, end = (_rows(prepared, name) for name in (FIRST, START, END))
    rows = [
        entities(tags, Marks(found[row][0][first[row]], found[row][1][first[row]], start[row], end[row]))
        for row in range(prepared.rows)
    ]
    return answered(rows, texts)


def _rows(prepared: Batch, name: str) -> list[Integers]:
    tensor = prepared[name]
    assert isinstance(tensor, Ragged)
    return np.split(tensor.values, tensor.offsets[1:-1])


def _ragged(rows: Sequence[Sequence[Any]], dtype: Any = np.int64) -> Ragged:
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row) for row in rows], out=offsets[1:])
    values = np.empty(int(offsets[-1]), dtype)
    values[:] = [value for row in rows for value in row]
    return Ragged(values, offsets)
