"""Which columns a rule of ranges may be about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from modelport.core.signature import Field, Signature


def numeric(inputs: Iterable[Field]) -> Iterator[str]:
    """Names of the columns that hold numbers: inputs of their own, and positions of a vector."""
    for field in inputs:
        if field.dtype != "BYTES":
            yield field.name
            yield from field.columns


def strangers(ranges: Iterable[str], signature: Signature) -> str:
    """What is wrong with ranges that name no numeric column of a model; empty when nothing is.

    Such a rule would never refuse anything: a misspelled one protects nobody.
    """
    known = list(numeric(signature.inputs))
    unknown = [name for name in ranges if name not in known]
    if not unknown:
        return ""
    near = [match for name in unknown for match in get_close_matches(name, known, n=1)]
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"ranges names {', '.join(map(repr, unknown[:5]))}, no numeric column of this model{meant}"
