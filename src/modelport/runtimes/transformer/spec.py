"""What `model/transformer.json` of a bundle says: how texts become what the graph takes."""

from __future__ import annotations

from typing import Literal

import msgspec

PATH = "model/transformer.json"
"""Where a bundle keeps the `Transformer` document."""

TOKENIZER = "model/tokenizer.json"
"""Where a bundle keeps the tokenizer, in the format of the `tokenizers` library."""

Feed = Literal["input_ids", "attention_mask", "token_type_ids"]

MAX_LENGTH = 1 << 16
"""Most tokens that a text may have in any model."""


class Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token class says of its word: an index into the bundle's labels, and whether an entity begins.

    `label` is None for a word that is in no entity.
    """

    label: int | None = None
    begins: bool = False


class Transformer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text encoder.

    Attributes:
        max_length: most tokens of a text, those the tokenizer adds included; the rest is cut off its end.
        vocabulary: token numbers the graph knows: 0 to `vocabulary - 1`.
        pad: token number that fills up shorter rows.
        feeds: inputs of the graph, INT64 `[rows, tokens]`.
        tags: for entities, what each token class means, in order.
    """

    max_length: int
    vocabulary: int
    pad: int
    feeds: tuple[Feed, ...]
    tags: tuple[Tag, ...] = ()
