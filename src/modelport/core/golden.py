"""Golden rows: a few inputs with the answers they must give, replayed before a bundle is called ready."""

from __future__ import annotations

from typing import Any

import msgspec


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Inputs and expected outputs as plain lists, one entry per tensor, rows first.

    Null stands for NaN or absent text. `tolerance` is the largest absolute or relative difference
    (whichever is smaller in effect) at which a numeric output still counts as the same.
    """

    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    rows: int
    tolerance: float = 1e-3
