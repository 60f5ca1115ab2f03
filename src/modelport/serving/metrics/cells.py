"""Metrics that are cells of the shared segment or of the board of model hosts."""

from __future__ import annotations

from typing import Literal, NamedTuple

from modelport.serving.metrics.exposition import Family

NS = 1e9
"""Nanoseconds, which cells count, in a second, which metrics tell."""
MODEL = ("model", "version")
WORKER = ("worker",)
Kind = Literal["counter", "gauge"]


class Cell(NamedTuple):
    """A metric that is one cell, divided by `unit`."""

    family: Family
    cell: int
    unit: float = 1


def of_model(name: str, kind: Kind, told: str, cell: int, unit: float = 1) -> Cell:
    """A cell of a slot."""
    return Cell(Family(name, kind, told, MODEL), cell, unit)


def of_worker(name: str, kind: Kind, told: str, cell: int, unit: float = 1) -> Cell:
    """A cell of a worker."""
    return Cell(Family(name, kind, told, WORKER), cell, unit)
