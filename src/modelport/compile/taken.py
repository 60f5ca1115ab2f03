"""The rows as a compiled model takes them."""

from __future__ import annotations

from modelport.compile.compiled import Compiled
from modelport.compile.sample import Sample


def as_taken(sample: Sample, compiled: Compiled) -> Sample:
    """The sample with the columns that the model takes, in the model's order."""
    inputs = compiled.signature.inputs
    if compiled.signature.item == "columns":
        sample = sample.as_columns()
    return sample.pick(inputs[0].columns if sample.item == "vector" else [field.name for field in inputs])
