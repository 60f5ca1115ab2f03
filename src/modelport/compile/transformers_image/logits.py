"""An image classifier as a module from pixels to logits. Imported with torch only."""

from __future__ import annotations

from typing import Any

from torch import nn


class _Logits(nn.Module):  # type: ignore[misc]  # torch is not there for type checkers
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Any) -> Any:
        return self.network(pixel_values=pixels).logits


def logits(network: Any) -> Any:
    """The module; `network` is a classifier of transformers."""
    return _Logits(network)
