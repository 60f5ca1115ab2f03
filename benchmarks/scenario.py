"""What a scenario is: who takes part, what is measured, what we aim at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.aims import Aim, Series


@dataclass(frozen=True, slots=True)
class Timing:
    """How long and how often.

    Attributes:
        rounds: times that every subject is measured, in turn (A B C A B C …).
        warm, measured: seconds per measurement.
        server_core, load_core: what the server and the load generator are pinned to.
        port: the first of three ports of 127.0.0.1 that servers use.
    """

    rounds: int = 3
    warm: float = 3.0
    measured: float = 6.0
    server_core: int = 0
    load_core: int = 1
    port: int = 18500


@dataclass(frozen=True, slots=True)
class Column:
    """A metric as a column of the report, with its heading."""

    metric: str
    heading: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question, asked the same way of everybody.

    Attributes:
        name: as typed.
        title: as printed.
        about: what is measured, a sentence or two.
        subjects: names of who takes part unless told otherwise.
        columns: what is reported.
        compared: the metric of the ratio column, ours to theirs; None for no such column.
        aims: what we set out to reach.
        run: measures the named subjects.
    """

    name: str
    title: str
    about: str
    subjects: tuple[str, ...]
    columns: tuple[Column, ...]
    compared: str | None
    aims: tuple[Aim, ...]
    run: Callable[[tuple[str, ...], Timing], Series]
