"""Names of token classes, as models for named entities have them, into what they say."""

from __future__ import annotations

from collections.abc import Sequence

from modelport.runtimes.transformer.spec import Tag

_OUTSIDE = "O"


def tags_of(classes: Sequence[str]) -> tuple[tuple[Tag, ...], tuple[str, ...]]:
    """What each class of a token says, and the labels of entities in the order of their first class.

    Classes are written as `B-PER`, `I-PER`, `O`, with the prefixes of BIOES and BILOU too, or as `PER`.
    """
    split = [_prefix(name) for name in classes]
    labels = tuple(dict.fromkeys(label for _, label in split if label != _OUTSIDE))
    tags = [
        Tag() if label == _OUTSIDE else Tag(labels.index(label), begins=prefix in {"B", "S", "U"})
        for prefix, label in split
    ]
    return tuple(tags), labels


def _prefix(name: str) -> tuple[str, str]:
    prefix, dash, label = name.partition("-")
    return (prefix, label) if dash and prefix in set("BIESUL") and label else ("", name)
