"""Where feedback finds predictions: the spools of replicas of this machine, and those that others shipped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from modelport.control.feedback.spool import Predicted
from modelport.control.spools import Spools
from modelport.control.store import fleets, replicas
from modelport.core.fleet import PlanStatus
from modelport.core.telemetry import PredictionEvent, mark
from modelport.db.connect import Database
from modelport.serving.telemetry.lookup import Lookup

Look = Callable[[Lookup, list[Path]], dict[str, PredictionEvent]]


class Predictions:
    """Looks predictions up, fleet by fleet. Used by one thread at a time."""

    def __init__(self, database: Database, shipped: Spools) -> None:
        self._database = database
        self._shipped = shipped
        self._lookups: dict[str, Lookup] = {}

    def find(self, project: str, ids: Collection[str]) -> Mapping[str, Predicted]:
        """The answered requests with these ids, by id; those that are not there, or not yet, are left out."""
        return dict(self._seen(project, lambda lookup, folders: lookup.find(folders, ids)))

    def latest(self, project: str, model: str, users: Collection[str]) -> Mapping[str, Predicted]:
        """The latest answered request of each user at an endpoint, by user."""
        marks = {mark(user): user for user in users}
        found = self._seen(project, lambda lookup, folders: lookup.latest(folders, model, marks.keys()))
        newest: dict[str, Predicted] = {}
        for named, predicted in found:
            known = newest.get(marks[named])
            if known is None or known.id < predicted.id:
                newest[marks[named]] = predicted
        return newest

    def _seen(self, project: str, look: Look) -> Iterator[tuple[str, Predicted]]:
        for fleet, folders in self._folders(project).items():
            lookup = self._lookups.setdefault(fleet, Lookup())
            for key, event in look(lookup, folders).items():
                if event.outcome == "ok":
                    yield key, Predicted(event.prediction_id, fleet, event.slot, event.predictions)

    def _folders(self, project: str) -> dict[str, list[Path]]:
        """By fleet: the folders that replicas name as readable here, and what they shipped."""
        with self._database.reading() as connection:
            named = {
                fleet: [life.status for life in replicas.newest(connection, fleet)]
                for fleet in fleets.of_project(connection, project)
            }
        return {
            fleet: [folder for status in reports for folder in self._of(fleet, status)]
            for fleet, reports in named.items()
        }

    def _of(self, fleet: str, status: PlanStatus) -> list[Path]:
        shipped = self._shipped.folder(fleet, status.replica)
        return [Path(status.spool), shipped] if status.spool else [shipped]
