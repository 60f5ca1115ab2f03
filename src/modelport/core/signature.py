"""What a model takes and gives: names, dtypes, shapes, ranges, categories, missing values.

Dtype names are those of the Open Inference Protocol V2, section "Tensor Data Types".
"""

from __future__ import annotations

from typing import Literal

import msgspec

DType = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]

Task = Literal[
    "classification",  # label, confidence, probabilities or scores
    "regression",  # a number, or a list of numbers
    "clustering",  # a cluster number
    "outlier",  # label "inlier" or "outlier", with a score
    "multilabel",  # several labels or numbers per row, one per target
    "entities",  # spans of a text, each with a label and a score
    "transform",  # a vector of numbers (embeddings, projections)
    "tensors",  # a graph whose meaning we were not told: tensors in, tensors out
]

Item = Literal[
    "vector",  # one item is a list of numbers, or an object of the named columns
    "columns",  # one item is an object of columns of different dtypes
    "text",  # one item is a string
    "image",  # one item is a picture file, as its bytes
    "tensors",  # one item is an object of named tensors without their row dimension
]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One named tensor.

    Attributes:
        name: as callers write it.
        dtype: Open Inference dtype; BYTES means text, and of an `image` item the bytes of a file.
        shape: with the row dimension first; -1 is variable. A column of a table is `(-1,)`.
        columns: names of the positions of the last dimension of a `vector` item, in order; may be empty.
        missing: whether null (NaN, absent text) is a value this field knows.
        minimum, maximum: the range seen in training, for information and drift; not a rule.
        categories: values seen in training, for information; a rule only where the model refuses others.
        closed: whether a value outside `categories` is refused (the model has no rule for unknown ones).
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    missing: bool = False
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str | int | float | bool, ...] = ()
    closed: bool = False


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contract of a model: what one item is, the tensors it becomes, and the tensors it answers with.

    Output names are fixed per task, so every runtime and codec can rely on them:

    - classification: `label` (INT64, index into the manifest's labels), optional `probabilities` (FP32 or
      FP64, `(-1, k)`), optional `scores` (decision values, `(-1, k)` or `(-1,)`)
    - regression: `value` (`(-1,)` or `(-1, t)`)
    - clustering: `cluster` (INT64, `(-1,)`), optional `scores`
    - outlier: `label` (INT64, index into the labels `("outlier", "inlier")`), optional `scores` (`(-1,)`)
    - multilabel: `labels` (INT64 indices or numbers, `(-1, t)`), optional `probabilities` (`(-1, t)`); the
      `columns` of `labels` name the targets where the model has names for them
    - entities: one value per entity, so rows differ in length (`(-1, -1)`): `text` (BYTES), `label` (INT64,
      index into the manifest's labels), `start` and `end` (INT64, in characters of the item), `score` (FP32)
    - transform: `values` (`(-1, d)`)
    - tensors: whatever the graph names them
    """

    item: Item
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
