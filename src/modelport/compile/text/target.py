"""What both ways of compiling a text model are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelport.compile.sample import TEXT
from modelport.compile.sklearn.tasks import Meaning
from modelport.compile.text.features import Written
from modelport.core.signature import Field

INPUTS = (Field(TEXT, "BYTES", (-1,)),)
"""The one input of every text model."""


@dataclass(frozen=True, slots=True)
class Target:
    """Attributes:
    meaning: the task and its classes.
    written: the features as data.
    columns: the steps between the features and the estimator.
    estimator: what answers.
    """

    meaning: Meaning
    written: Written
    columns: tuple[Any, ...]
    estimator: Any
