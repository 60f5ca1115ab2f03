"""Our own converters, where skl2onnx has none, is wrong, or knows float32 only.

`registered` lends them to skl2onnx, so they serve inside pipelines, voting, stacking and the rest as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from modelport.compile.sklearn.converters import (
    binning,
    boosting,
    calibrated,
    encoders,
    forests,
    histogram,
    imputing,
    isolation,
    linear,
    polynomial,
    target,
)
from modelport.compile.sklearn.converters.registry import restored

_FAMILIES = (
    calibrated,
    forests,
    boosting,
    histogram,
    isolation,
    linear,
    imputing,
    encoders,
    binning,
    polynomial,
    target,
)
_TURN = Lock()


@contextmanager
def registered() -> Iterator[None]:
    """While this lasts, skl2onnx uses our converters; afterwards those it had before.

    Its tables belong to the whole process, so one thread at a time converts here; another thread that calls
    skl2onnx by itself meanwhile meets our converters.
    """
    from modelport.compile.boosting import converters as boosting_libraries

    with _TURN, restored():
        for family in _FAMILIES:
            family.register()
        boosting_libraries.register()
        yield
