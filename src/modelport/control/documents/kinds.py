"""What keys of documents take: kinds of values, with what a fault says of them, and how a key is described.

Each kind is a type of `msgspec`, so the reader and the published schema mean the same by it.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta

from modelport.control.documents.units import DURATION, LATENCY, LEAST, MOST, PERCENT


def key(description: str, *, say: str = "", default: Any = UNSET, example: Any = UNSET) -> Meta:
    """What a key means. `say` ends the sentence "it takes …" of a fault; `default` is as people write it."""
    schema: dict[str, Any] = {}
    if default is not UNSET:
        schema["default"] = default
    if example is not UNSET:
        schema["examples"] = [example]
    return Meta(description=description, extra_json_schema=schema, extra={"say": say} if say else None)


def _takes(say: str) -> Meta:
    return Meta(extra={"say": say})


Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Instances = Annotated[int, Meta(ge=0, le=10_000)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Most = Annotated[
    Annotated[float, Meta(gt=0, lt=1)] | Annotated[str, Meta(pattern=MOST)],
    _takes("a percentage such as '< 1%', or a fraction below 1 such as 0.01"),
]
Least = Annotated[
    Annotated[float, Meta(gt=0, lt=1)] | Annotated[str, Meta(pattern=LEAST)],
    _takes("a fraction below 1 such as 0.9, or a percentage such as '90%'"),
]
Latency = Annotated[str, Meta(pattern=LATENCY), _takes("a time with its unit, ms or s, such as '200ms'")]
Duration = Annotated[
    str, Meta(pattern=DURATION), _takes("a time with its unit, ms, s, m, h or d, such as '10m'")
]
Percentage = Annotated[
    Annotated[float, Meta(gt=0, le=100)] | Annotated[str, Meta(pattern=PERCENT)],
    _takes("a percentage above 0 and up to 100, such as 10 or '10%'"),
]
Portion = Annotated[
    Annotated[float, Meta(ge=0, le=100)] | Annotated[str, Meta(pattern=PERCENT)],
    _takes("a fraction such as 0.2, or a percentage such as 20 or '20%'"),
]
Share = Annotated[
    Annotated[float, Meta(gt=0, le=1)] | Annotated[str, Meta(pattern=PERCENT)],
    _takes("a fraction up to 1 such as 0.1, or a percentage such as '10%'"),
]
VersionName = Annotated[
    Annotated[int, Meta(ge=1, le=999_999_999)] | Annotated[str, Meta(min_length=1, max_length=200)],
    _takes("a version: a number, or in quotes a label or an alias, such as 2, '2.1.0' or 'champion'"),
]
ModelName = Annotated[str, Meta(min_length=1, max_length=200), _takes("the name of a model")]
