"""Options that several commands have."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
path = click.Path(path_type=Path)


class Number(click.FloatRange):
    """A number of a range, which neither NaN nor infinity is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that this text is."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{number} is not a number of the range {self._describe_range()}.", param, ctx)
        return number
