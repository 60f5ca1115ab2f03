"""Our own converters, where skl2onnx has none, is wrong, or knows float32 only.

`register` hands them to skl2onnx, so they serve inside pipelines, voting, stacking and the rest as well.
"""

from __future__ import annotations

from functools import cache

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


@cache
def register() -> None:
    """Make skl2onnx use our converters; done once per process."""
    for family in (
        calibrated,
        forests,
        boosting,
        calibrated,
        histogram,
        isolation,
        linear,
        imputing,
        encoders,
        binning,
        polynomial,
        target,
    ):
        family.register()
