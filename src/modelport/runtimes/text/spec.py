"""The declarative data of a text model: what `model/text.json` of a bundle says.

The large parts (vocabularies, idf, weights) live in files of their own, named here by path. Nothing in
these documents is code; a token pattern is a regular expression and nothing else.
"""

from __future__ import annotations

from typing import Literal

import msgspec

PATH = "model/text.json"
"""Where a bundle keeps the `TextModel` document."""

Norm = Literal["l1", "l2"]


class AnalyzerSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a text becomes terms, in the words of `sklearn.feature_extraction.text`.

    Attributes:
        unit: what an n-gram is made of.
        ngrams: smallest and largest n.
        lowercase, strip_accents: the preprocessing, in this order.
        token_pattern: regular expression of a word; its one group, if any, is the token.
        stop_words: tokens dropped before n-grams are made; words only.
    """

    unit: Literal["word", "char", "char_wb"]
    ngrams: tuple[int, int] = (1, 1)
    lowercase: bool = True
    strip_accents: Literal["ascii", "unicode"] | None = None
    token_pattern: str = r"(?u)\b\w\w+\b"  # noqa: S105 (tokens of a text)
    stop_words: tuple[str, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="vocabulary"):
    """Terms found in a table. `file` is a JSON list of terms in column order."""

    file: str
    size: int


class Hashing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="hashing"):
    """Terms hashed to `size` columns by MurmurHash3; `alternate_sign` counts half of them downwards."""

    size: int
    alternate_sign: bool


class Weighting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One pass over a row's values: `1 + log`, then times idf, then divided by the norm.

    `idf` is a file of float64 `[columns]`.
    """

    sublinear: bool = False
    idf: str | None = None
    norm: Norm | None = None


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One vectorizer. `binary` replaces counts by one before weighting; `factor` multiplies at the end."""

    analyzer: AnalyzerSpec
    columns: Vocabulary | Hashing
    binary: bool = False
    weightings: tuple[Weighting, ...] = ()
    factor: float = 1.0


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blocks side by side, columns in order, then weightings over the whole row."""

    blocks: tuple[Block, ...]
    weightings: tuple[Weighting, ...] = ()


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="isotonic"):
    """A piecewise linear map of a score to a probability, flat outside its ends."""

    x: tuple[float, ...]
    y: tuple[float, ...]


class Sigmoid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="sigmoid"):
    """Platt's map of a score to a probability: `1 / (1 + exp(a * score + b))`."""

    a: float
    b: float


class Temperature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="temperature"):
    """Softmax of all scores times `beta`."""

    beta: float


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One calibrated member: its columns of the weights, read as `link` says, through its maps.

    `maps` has one entry per class, or a single one for two classes or a temperature.
    """

    start: int
    stop: int
    link: Literal["none", "softmax"]
    maps: tuple[Curve | Sigmoid | Temperature, ...]


class Linear(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="linear"):
    """Scores are the row times `weights` (float64 `[columns, outputs]`) plus `intercept` (`[outputs]`).

    Attributes:
        link: how scores become probabilities. `logistic` normalises over classes when there are more than
            two; `huber` clips; `none` gives scores only. In a regression, `exp` makes values of scores.
        calibration: members averaged into probabilities; replaces `link` where not empty.
        sequential: sums run strictly in column order, as the original's did; for maps with steps in them.
    """

    weights: str
    intercept: str
    outputs: int
    link: Literal["none", "logistic", "softmax", "huber", "exp"] = "none"
    calibration: tuple[Calibration, ...] = ()
    sequential: bool = False


class Graph(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="graph"):
    """An ONNX graph on dense rows of `width` columns; its outputs carry the names of the signature."""

    file: str
    input: str
    width: int
    dtype: Literal["FP32", "FP64"] = "FP32"


class TextModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole text model: features, then a linear kernel or a graph."""

    features: Features
    head: Linear | Graph
