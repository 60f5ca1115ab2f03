"""TorchScript into a graph: its conditions and loops become If and Loop. Imported with torch only."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import torch

from modelport.compile.torch import refusals
from modelport.compile.torch.eager import Eager
from modelport.compile.torch.quiet import quiet
from modelport.compile.torch.wrapped import wrapped

_OPSET = 18
"""The newest that torch's exporter of TorchScript writes whole."""


def exported(eager: Eager, example: tuple[Any, ...]) -> Any:
    """The graph of a scripted module, as an `onnx.ModelProto`.

    A module that is not scripted is scripted first. Only the reading of its answer is traced: tracing a
    module itself would write down which way the example went. Raises `Unsupported`.
    """
    import onnx

    with torch.no_grad(), quiet():
        try:
            return onnx.load_model_from_string(_graph(_scripted(eager), example))
        except Exception as error:
            raise refusals.of_script(error) from error


def _scripted(eager: Eager) -> Eager:
    if eager.called.scripted:
        return eager
    module = torch.jit.script(eager.called.module)
    return replace(eager, called=replace(eager.called, module=module, scripted=True))


def _graph(eager: Eager, example: tuple[Any, ...]) -> bytes:
    inputs = [f"in_{place}" for place in range(len(example))]
    outputs = [f"out_{place}" for place in range(len(eager.answers.names))]
    written = io.BytesIO()
    # The scripted module stays as it is inside a trace; the exporter's own tracing cannot hold one.
    reading = torch.jit.trace(wrapped(eager), example, check_trace=False)
    torch.onnx.export(
        reading,
        example,
        written,
        dynamo=False,
        opset_version=_OPSET,
        input_names=inputs,
        output_names=outputs,
        dynamic_axes=_axes(eager, inputs) | {name: {0: "rows"} for name in outputs},
    )
    return written.getvalue()


def _axes(eager: Eager, inputs: list[str]) -> dict[str, dict[int, str]]:
    """The variable sizes of every input by name."""
    return {
        name: {place: f"{name}_{place}" if place else "rows" for place in places}
        for name, places in zip(inputs, eager.doors.variable(), strict=True)
    }
