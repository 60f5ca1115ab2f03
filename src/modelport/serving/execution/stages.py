"""Run calls through a predictor that works in two stages. No asyncio: all of it runs in threads.

First a call is prepared by itself. Then each of its rows waits as a piece for a batch of like length, and
whoever computes the last piece puts the call's answer together.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from modelport.errors import ModelportError
from modelport.runtimes.base import Staged
from modelport.runtimes.batch import Batch, concat, cut
from modelport.serving.batching.shapecost import length_step
from modelport.serving.call import Call
from modelport.serving.execution.run import Outcome, checked, each_row, failure
from modelport.serving.results import Meaning, Results


class Prepared:
    """A call whose rows can be computed one by one, in any order and in several threads.

    Args:
        call: whose rows these are.
        rows: the prepared rows.
        errors: rows that could not be prepared; they stand in `rows` as something else, and are not computed.

    Attributes:
        begun, dropped: what the event loop did with it.
    """

    __slots__ = ("_answers", "_errors", "_left", "_lock", "begun", "call", "dropped", "rows")

    def __init__(self, call: Call, rows: Batch, errors: dict[int, ModelportError]) -> None:
        self.call = call
        self.rows = rows
        self.begun = False
        self.dropped = False
        self._errors = errors
        self._answers: dict[int, Batch] = {}
        self._left = rows.rows - len(errors)
        self._lock = Lock()

    def pieces(self, lengths: Sequence[int]) -> list[Piece]:
        """A piece for every row that can be computed."""
        return [
            Piece(self, row, length_step(length))
            for row, length in enumerate(lengths)
            if row not in self._errors
        ]

    def keep(self, row: int, answer: Batch | ModelportError) -> bool:
        """Keep what came of a row; whether it was the last."""
        if isinstance(answer, Batch):
            self._answers[row] = answer
        else:
            self._errors[row] = answer
        with self._lock:
            self._left -= 1
            return self._left == 0

    def outcome(self, meaning: Meaning) -> Outcome:
        """What came of the call, after its last row. A row that failed repeats another's outputs."""
        if not self._answers or (self._errors and not self.call.partial):
            return Outcome(self.call, None, 0, next(iter(self._errors.values())))
        some = next(iter(self._answers.values()))
        answers = concat([self._answers.get(row, some) for row in range(self.rows.rows)])
        return Outcome(self.call, Results(answers, meaning, self._errors), 0, None)


class Piece:
    """One row of a prepared call; `length` is the step that its length falls in."""

    __slots__ = ("length", "of", "row")

    def __init__(self, of: Prepared, row: int, length: int) -> None:
        self.of = of
        self.row = row
        self.length = length

    def batch(self) -> Batch:
        """The row alone."""
        return cut(self.of.rows, self.row, self.row + 1)


def prepare(predictor: Staged, call: Call) -> list[Piece]:
    """The rows of a call, ready to be computed.

    A row that cannot be prepared fails alone where the call allows that; otherwise its error is raised.
    """
    if call.partial and call.rows > 1:
        rows, errors = each_row(predictor.prepare, call.batch)
    else:
        rows, errors = predictor.prepare(call.batch), {}
    if rows is None:
        raise next(iter(errors.values()))
    prepared = Prepared(call, checked(rows, call.rows), errors)
    return prepared.pieces(predictor.lengths(rows).tolist())


def compute(predictor: Staged, meaning: Meaning, pieces: Sequence[Piece]) -> list[Outcome]:
    """The calls that are done by computing these pieces in one batch, halved until bad ones stand alone."""
    try:
        answers = checked(predictor.compute(concat([piece.batch() for piece in pieces])), len(pieces))
    except Exception as error:  # noqa: BLE001 - a model may raise anything; the edge answers, the server lives
        if len(pieces) == 1:
            return _kept(pieces[0], failure(error), meaning)
        middle = len(pieces) // 2
        return compute(predictor, meaning, pieces[:middle]) + compute(predictor, meaning, pieces[middle:])
    return _outcomes(pieces, Results(answers, meaning), meaning)


def _outcomes(pieces: Sequence[Piece], results: Results, meaning: Meaning) -> list[Outcome]:
    outcomes = []
    for place, piece in enumerate(pieces):
        if piece.of.call.rows == 1:
            outcomes.append(Outcome(piece.of.call, results, place, None))
        else:
            outcomes += _kept(piece, cut(results.batch, place, place + 1), meaning)
    return outcomes


def _kept(piece: Piece, answer: Batch | ModelportError, meaning: Meaning) -> list[Outcome]:
    return [piece.of.outcome(meaning)] if piece.of.keep(piece.row, answer) else []
