"""Moments and spans, as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|min|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Since(click.ParamType[float]):
    """A moment: a span before now (`90s`, `1h`, `7d`), or a time (`2027-01-31T08:00`; UTC unless said).

    Becomes seconds since the epoch. `now` is asked when a span is read.
    """

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The moment that this text says."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        if found := _SPAN.fullmatch(text):
            return datetime.now(UTC).timestamp() - float(found[1]) * _SECONDS[found[2]]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is not a span such as 1h, nor a time such as 2027-01-31T08:00.", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def moment(seconds: float) -> str:
    """Seconds since the epoch as a time of this machine's zone, to the second."""
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(seconds: float, now: float) -> str:
    """How long ago it was, in the largest unit that fits twice."""
    return f"{lasting(now - seconds)} ago" if seconds else "never"


def lasting(seconds: float) -> str:
    """A time span, in the largest unit that fits twice."""
    whole = max(0, int(seconds))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
