"""Run calls through a predictor so that a bad row fails alone. No asyncio: on the loop or in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

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


def run(predictor: Predictor, meaning: Meaning, calls: Sequence[Call], most: int) -> list[Outcome]:
    """Predict all calls, `most` rows at a time; when that fails, halve until the bad ones stand alone."""
    try:
        results = Results(predict(predictor, concat([call.batch for call in calls]), most), meaning)
    except Exception as error:  # noqa: BLE001 - a model may raise anything; the edge answers, the server lives
        if len(calls) == 1:
            return [_alone(predictor, meaning, calls[0], most, error)]
        middle = len(calls) // 2
        return run(predictor, meaning, calls[:middle], most) + run(predictor, meaning, calls[middle:], most)
    outcomes = []
    start = 0
    for call in calls:
        outcomes.append(Outcome(call, results, start, None))
        start += call.rows
    return outcomes


def predict(predictor: Predictor, batch: Batch, most: int) -> Batch:
    """The predictor's answer, with as many rows as were asked; raises `ModelFailed` otherwise.

    It is never given more than `most` rows at a time.
    """
    if batch.rows <= most:
        return checked(predictor.predict(batch), batch.rows)
    return concat([predict(predictor, part, most) for part in split(batch, sizes(batch.rows, most))])


def sizes(rows: int, most: int) -> list[int]:
    """Rows of each batch that so many are run in: nearly always one."""
    if rows <= most:
        return [rows]
    return [most] * (rows // most) + ([rows % most] if rows % most else [])


def checked(answer: Batch, rows: int) -> Batch:
    """The answer itself when it has so many rows; raises `ModelFailed` otherwise."""
    if answer.rows != rows or any(len(tensor) != rows for tensor in answer.tensors.values()):
        msg = f"the model answered {answer.rows} rows to {rows}"
        raise ModelFailed(
            msg, code="contract-broken", hint="the bundle breaks its own signature; pack it again"
        )
    return answer


def _alone(predictor: Predictor, meaning: Meaning, call: Call, most: int, error: Exception) -> Outcome:
    if not call.partial or call.rows == 1:
        return Outcome(call, None, 0, failure(error))
    good, errors = each_row(partial(predict, predictor, most=most), call.batch)
    if good is None:
        return Outcome(call, None, 0, failure(error))
    return Outcome(call, Results(good, meaning, errors), 0, None)


def each_row(
    work: Callable[[Batch], Batch], batch: Batch, first: int = 0
) -> tuple[Batch | None, dict[int, ModelportError]]:
    """What `work` makes of the rows it can take, and the errors of the others, by row counted from `first`.

    A row that failed repeats a neighbour's outcome; there is none when all failed.
    """
    try:
        return work(batch), {}
    except Exception as error:  # noqa: BLE001 - as above
        if batch.rows == 1:
            return None, {first: failure(error)}
    middle = batch.rows // 2
    sizes = (middle, batch.rows - middle)
    parts = [
        each_row(work, part, first + offset)
        for part, offset in zip(split(batch, sizes), (0, middle), strict=True)
    ]
    errors = parts[0][1] | parts[1][1]
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
