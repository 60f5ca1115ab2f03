"""Polynomial features in either precision: products of picked columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.sklearn.converters import shapes
from modelport.compile.sklearn.converters.emitter import Emitter
from modelport.compile.sklearn.converters.registry import use


def register() -> None:
    from sklearn.preprocessing import PolynomialFeatures

    use(PolynomialFeatures, shapes.numbers(lambda model: int(model.n_output_features_)), _convert)


def _convert(emit: Emitter) -> None:
    source = emit.matrix()
    first = emit.pick(source, 0)
    one = emit.node("Add", emit.node("Mul", first, emit.number(0.0)), emit.number(1.0))
    padded = emit.node("Concat", source, one, axis=1)
    product = ""
    for places in _factors(emit.model.powers_).T:
        factor = emit.node("Gather", padded, emit.constant(places), axis=1)
        product = emit.node("Mul", product, factor) if product else factor
    emit.answer(product)


def _factors(powers: Any) -> Any:
    """`[outputs, degree]`: the columns to multiply for each output, filled up with the column of ones."""
    degree, ones = int(powers.sum(axis=1).max(initial=1)), powers.shape[1]
    rows = [np.repeat(np.arange(ones), row) for row in powers]
    return np.asarray([np.pad(row, (0, degree - len(row)), constant_values=ones) for row in rows], np.int64)
