"""The names of a model's classes, as its configuration has them."""

from __future__ import annotations

from typing import Any

from modelport.errors import Unsupported


def classes_of(config: Any) -> tuple[str, ...]:
    """The names in the order of the logits; `Unsupported` (`labels`) where `id2label` leaves one out."""
    named = {int(place): str(label) for place, label in config.id2label.items()}
    if sorted(named) != list(range(config.num_labels)):
        msg = "id2label does not name every class once"
        raise Unsupported(msg, code="labels", hint="correct id2label in the model's configuration")
    return tuple(named[place] for place in range(config.num_labels))
