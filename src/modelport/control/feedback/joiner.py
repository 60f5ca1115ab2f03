"""Joins truths with their predictions, in any order of arrival, and counts each pair once as evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy.engine import Connection

from modelport.control.feedback import store
from modelport.control.feedback.judging import right
from modelport.control.feedback.spool import Predicted, Spools
from modelport.control.feedback.store import Joined, Key, Waiting
from modelport.control.store import replicas
from modelport.core.clock import Clock
from modelport.core.evidence import NONE, Outcomes
from modelport.core.names import parse_ref
from modelport.db.connect import Database

BATCH = 2000
"""Truths looked at in one pass."""
PATIENCE = 7 * 24 * 3600.0
"""How long a prediction is looked for, in seconds since the truth was said."""
_LONGEST = 3600.0

Task = Callable[[Connection, str, str, int], str]
"""The task of a version: (project, model, number)."""


class Match(msgspec.Struct, frozen=True):
    """A truth and the row of the prediction it is about."""

    waiting: Waiting
    predicted: Predicted
    value: Any


class Joiner:
    """One pass at a time, by one thread."""

    def __init__(self, database: Database, spools: Spools, task: Task, clock: Clock) -> None:
        self._database = database
        self._spools = spools
        self._task = task
        self._clock = clock

    def look(self) -> int:
        """Look for the predictions of truths that are due; how many were joined.

        The spools are read outside of any transaction: nobody waits for a disk.
        """
        now = self._clock.now()
        with self._database.reading() as connection:
            waiting = store.due(connection, now, BATCH)
        if not waiting:
            return 0
        matches = matched(waiting, self._found(waiting))
        return self._database.write(lambda to: self._write(to, waiting, matches, now))

    def _found(self, waiting: Sequence[Waiting]) -> dict[Key, Predicted]:
        """Predictions by the truth that is about them."""
        found: dict[Key, Predicted] = {}
        for project, some in _grouped(waiting, lambda each: each.project).items():
            named = [each for each in some if each.prediction_id and each.joined is None]
            by_id = self._spools.find(project, {_request(each.prediction_id) for each in named})
            found |= _by_truth(named, by_id, lambda each: _request(each.prediction_id))
            users = [each for each in some if not each.prediction_id and each.joined is None]
            for model, theirs in _grouped(users, lambda each: each.model).items():
                latest = self._spools.latest(project, model, {each.user_id for each in theirs})
                found |= _by_truth(theirs, latest, lambda each: each.user_id)
        return found

    def _write(
        self, to: Connection, waiting: Sequence[Waiting], matches: Mapping[Key, Match], now: float
    ) -> int:
        counted: dict[str, dict[str, Outcomes]] = defaultdict(dict)
        joined = 0
        for each in waiting:
            match = matches.get(each.key)
            if match is None:
                store.later(to, each, next_look(each, now))
                continue
            joined += 1
            _count(counted, match, self._joined(to, match))
        for fleet, added in sorted(counted.items()):
            replicas.count(to, fleet, added)
        return joined

    def _joined(self, to: Connection, match: Match) -> Outcomes:
        """Write a join; what it adds to the evidence."""
        waiting, slot = match.waiting, match.predicted.slot
        number = parse_ref(slot.partition("~")[0]).version
        assert number is not None, "slots are named model:version"
        verdict = right(self._task(to, waiting.project, waiting.model, number), match.value, waiting.actual)
        joined = Joined(match.predicted.fleet, slot, match.value, verdict)
        return _told(waiting.joined, verdict) if store.join(to, waiting, joined) else NONE


def _told(before: Joined | None, verdict: bool | None) -> Outcomes:
    """What a verdict adds: a label, or a correction of one that was counted."""
    if verdict is None:
        return NONE
    if before is None:
        return Outcomes(labels=1, right=int(verdict))
    return Outcomes(amended=int(verdict) - int(verdict if before.right is None else before.right))


def matched(waiting: Iterable[Waiting], found: Mapping[Key, Predicted]) -> dict[Key, Match]:
    """Truths whose prediction is there, and is of their model. A correction is about what it was about."""
    matches = {}
    for each in waiting:
        if each.joined is not None:
            answered = Predicted("", each.joined.fleet, each.joined.slot)
            matches[each.key] = Match(each, answered, each.joined.predicted)
            continue
        predicted = found.get(each.key)
        if predicted is None or predicted.slot.rpartition(":")[0] != each.model:
            continue
        row = _row(each.prediction_id)
        if row < len(predicted.rows):
            matches[each.key] = Match(each, predicted, predicted.rows[row])
    return matches


def next_look(waiting: Waiting, now: float) -> float | None:
    """When to look again: soon at first, as the event is on its way; then ever more seldom."""
    if now - waiting.at > PATIENCE:
        return None
    return now + min(2.0**waiting.tries, _LONGEST)


def _count(counted: dict[str, dict[str, Outcomes]], match: Match, added: Outcomes) -> None:
    slots = counted[match.predicted.fleet]
    slots[match.predicted.slot] = slots.get(match.predicted.slot, NONE).plus(added)


def _request(prediction_id: str) -> str:
    return prediction_id.partition(".")[0]


def _row(prediction_id: str) -> int:
    row = prediction_id.partition(".")[2]
    return int(row) if row.isdecimal() and len(row) < 10 else 0


def _grouped(waiting: Iterable[Waiting], key: Callable[[Waiting], str]) -> dict[str, list[Waiting]]:
    groups: dict[str, list[Waiting]] = defaultdict(list)
    for each in waiting:
        groups[key(each)].append(each)
    return groups


def _by_truth(
    waiting: Iterable[Waiting], found: Mapping[str, Predicted], key: Callable[[Waiting], str]
) -> dict[Key, Predicted]:
    return {each.key: found[key(each)] for each in waiting if key(each) in found}
