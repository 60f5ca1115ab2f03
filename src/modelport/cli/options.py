"""Options that several commands have."""

from __future__ import annotations

import re
from collections.abc import Iterable
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


_SIZE = re.compile(r"(\d+(?:\.\d+)?) *(?:([kmgt])(i?)b?|b?)", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}


class Bytes(click.ParamType[int]):
    """A number of bytes: `1048576`, `500MB` (powers of 1000) or `4GiB` (powers of 1024)."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes that this text says."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is not a size such as 4GiB, 500MB or 1048576.", param, ctx)
        number, unit, binary = found.groups()
        return int(float(number) * (1024 if binary else 1000) ** _POWERS.get((unit or "").lower(), 0))


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """What options such as `--tag team=risk` say; a `click.UsageError` for one without `=`."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign):
            msg = f"{text!r} is not written as name=value."
            raise click.UsageError(msg)
        found[name] = value
    return found


def numbers(texts: Iterable[str]) -> dict[str, float]:
    """The same where the values are finite numbers."""
    found = {}
    for name, value in pairs(texts).items():
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = float("nan")
        if not isfinite(found[name]):
            msg = f"{value!r} is not a number, for {name}."
            raise click.UsageError(msg)
    return found
