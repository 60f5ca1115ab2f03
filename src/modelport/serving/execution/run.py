"""Run calls through a predictor so that a bad row fails alone. No asyncio: on the loop or in a thread."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelport.errors import ModelFailed, ModelportError
from modelport.runtimes.base import Predictor
from modelport.runtimes.batch import Batch, concat, split
from modelport.serving.call import Call
from modelport.serving.results import Meaning, Results


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """What came of one call: its place in shared results, or an error."""

    call: Call
    results: Results | None
    start: int
    error: ModelportError | None


def run(predictor: Predictor, meaning: Meaning, calls: Sequence[Call]) -> list[Outcome]:
    """Predict all calls in one batch; when that fails, halve until the bad ones stand alone."""
    try:
        results = Results(predict(predictor, concat([call.batch for call in calls])), meaning)
    except Exception as error:  # noqa: BLE001 - a model may raise anything; the edge answers, the server lives
        if len(calls) == 1:
            return [_alone(predictor, meaning, calls[0], error)]
        middle = len(calls) // 2
        return run(predictor, meaning, calls[:middle]) + run(predictor, meaning, calls[middle:])
    outcomes = []
    start = 0
    for call in calls:
        outcomes.append(Outcome(call, results, start, None))
        start += call.rows
    return outcomes


def predict(predictor: Predictor, batch: Batch) -> Batch:
    """The predictor's answer, with as many rows as were asked; raises `ModelFailed` otherwise."""
    answer = predictor.predict(batch)
    if answer.rows != batch.rows or any(len(tensor) != batch.rows for tensor in answer.tensors.values()):
        msg = f"the model answered {answer.rows} rows to {batch.rows}"
        raise ModelFailed(
            msg, code="contract-broken", hint="the bundle breaks its own signature; pack it again"
        )
    return answer


def _alone(predictor: Predictor, meaning: Meaning, call: Call, error: Exception) -> Outcome:
    if not call.partial or call.rows == 1:
        return Outcome(call, None, 0, failure(error))
    good, errors = _rows(predictor, call.batch, 0)
    if good is None:
        return Outcome(call, None, 0, failure(error))
    return Outcome(call, Results(good, meaning, errors), 0, None)


def _rows(predictor: Predictor, batch: Batch, first: int) -> tuple[Batch | None, dict[int, ModelportError]]:
    """Answer the rows that can be answered; a failed row repeats a neighbour's outputs and has an error."""
    try:
        return predict(predictor, batch), {}
    except Exception as error:  # noqa: BLE001 - as above
        if batch.rows == 1:
            return None, {first: failure(error)}
    middle = batch.rows // 2
    parts = [
        _rows(predictor, part, first + offset)
        for part, offset in zip(split(batch, (middle, batch.rows - middle)), (0, middle), strict=True)
    ]
    errors = parts[0][1] | parts[1][1]
    sizes = (middle, batch.rows - middle)
    known = next((answer for answer, _ in parts if answer is not None), None)
    if known is None:
        return None, errors
    filled = [answer or _repeat(known, size) for (answer, _), size in zip(parts, sizes, strict=True)]
    return concat(filled), errors


def _repeat(known: Batch, rows: int) -> Batch:
    first = next(split(known, (1,)))
    return concat([first] * rows)


def failure(error: Exception) -> ModelportError:
    """What a caller may know of an exception inside a model: our own errors whole, others by type only."""
    if isinstance(error, ModelportError):
        return error
    return ModelFailed(
        f"the model failed on this input ({type(error).__name__})",
        hint="the same input to the original model should fail too; the server's log has the details",
    )
