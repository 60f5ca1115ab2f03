"""What a served module must be: the same answer twice, and for a row whatever rows share its batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelport.compile.compare import TOLERANCE, compare, describe
from modelport.compile.compiled import Outputs
from modelport.compile.torch.doors import Doors
from modelport.compile.torch.eager import Eager
from modelport.compile.torch.export import Exported
from modelport.errors import ModelFailed, ParityError, Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.golden import same
from modelport.runtimes.onnx import OnnxPredictor, open_session

_ALONE = 4


def check(eager: Eager, entry: Doors) -> None:
    """Raise `Unsupported` for a module that cannot be served exactly.

    Codes: `keeps-state`, `random-answers`, `no-rows-dimension`, `mixes-rows`.
    """
    rows = entry.sample.batch
    before = _buffers(eager)
    expected = eager(rows)
    _check_dimension(expected, rows.rows)
    _check_state(before, _buffers(eager))
    _check_repeatable(expected, eager(rows))
    _check_alone(eager, rows, expected)


def check_other_sizes(eager: Eager, exported: Exported) -> None:
    """Raise `ParityError` where the graph answers otherwise to rows of the sample's other sizes."""
    fields = eager.doors.fields
    for batch in eager.doors.sample.more:
        predictor = OnnxPredictor(open_session(exported.graph), fields, exported.outputs, ())
        tensors = dict(zip((field.name for field in fields), eager.doors.arrays(batch), strict=True))
        try:
            got = predictor.predict(Batch(batch.rows, tensors))
        except ModelFailed:
            shapes = {name: list(array.shape) for name, array in tensors.items()}
            msg = f"the compiled model refuses a size that the original answers: {shapes}"
            raise ParityError(msg) from None
        parity = compare(eager(batch), got, batch)
        if not parity.holds:
            raise ParityError(describe(parity), hint="nothing was packed; the rows above show what differs")


def _buffers(eager: Eager) -> dict[str, Any]:
    return {name: each.detach().clone() for name, each in eager.called.module.named_buffers()}


def _check_state(before: dict[str, Any], after: dict[str, Any]) -> None:
    import torch

    changed = [name for name, value in before.items() if not torch.equal(value, after[name])]
    if changed:
        msg = f"answering changes the module's buffer {changed[0]!r}"
        hint = (
            "a served model keeps no state between calls: return the new value, or leave it out in eval mode"
        )
        raise Unsupported(msg, code="keeps-state", hint=hint)


def _check_dimension(answers: Outputs, rows: int) -> None:
    for name, values in answers.items():
        if not values.shape or len(values) != rows:
            shape = list(values.shape)
            msg = f"{rows} rows went in, and {name!r} comes out with the shape {shape}"
            hint = (
                "rows are the first dimension of every input and output (batch_first=True for LSTM and GRU)"
            )
            raise Unsupported(msg, code="no-rows-dimension", hint=hint)


def _check_repeatable(first: Outputs, second: Outputs) -> None:
    for name, values in first.items():
        if not same(values, second[name], TOLERANCE).all():
            msg = f"asked twice, the module answers two things as {name!r}: it draws random numbers or counts"
            hint = "dropout as nn.Dropout, or F.dropout(x, training=self.training), is off in evaluation mode"
            raise Unsupported(msg, code="random-answers", hint=hint)


def _check_alone(eager: Eager, rows: Batch, expected: Outputs) -> None:
    for place in sorted({int(each) for each in np.linspace(0, rows.rows - 1, min(_ALONE, rows.rows))}):
        answers = _alone(eager, rows, place)
        for name, values in answers.items():
            if not _equal(expected[name][place : place + 1], values):
                msg = f"row {place} answers {name!r} otherwise alone than among the other rows"
                hint = (
                    "callers' rows are batched together: normalise over features, not over rows"
                    " (BatchNorm needs running statistics)"
                )
                raise Unsupported(msg, code="mixes-rows", hint=hint)


def _alone(eager: Eager, rows: Batch, place: int) -> Outputs:
    row = Batch(1, {name: rows.array(name)[place : place + 1] for name in rows.tensors})
    try:
        return eager(row)
    except Exception as error:
        msg = f"the module does not take one row alone: {type(error).__name__}: {str(error)[:200]}"
        hint = "squeeze a named dimension only: x.squeeze(1), not x.squeeze()"
        raise Unsupported(msg, code="mixes-rows", hint=hint) from error


def _equal(expected: Array, got: Array) -> bool:
    """Ties of classes may fall otherwise in another batch: parity judges those."""
    if expected.shape != got.shape:
        return False
    return expected.dtype.kind != "f" or bool(same(expected, got, TOLERANCE).all())
