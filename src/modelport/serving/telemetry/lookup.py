"""Finds single join records in spools: by prediction id, or the latest of a user.

Prediction ids sort by time, so of a file it is enough to remember between which ids its records lie: a file
that cannot hold an id is not read again. What a file grew by since the last look is all that is read of it
to know that. Used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from modelport.core.telemetry import PredictionEvent
from modelport.serving.telemetry.frames import FrameError, expand, frames
from modelport.serving.telemetry.spool import places


class Extent(msgspec.Struct, frozen=True):
    """What is known of a file: up to which byte it was read, and between which ids its records lie."""

    end: int = 0
    low: str = "~"
    high: str = ""

    def holds(self, wanted: Iterable[str]) -> bool:
        """Whether one of the ids may be in it."""
        return any(self.low <= each <= self.high for each in wanted)


class Lookup:
    """Looks into the folders it is given, which may be written meanwhile."""

    def __init__(self) -> None:
        self._extents: dict[Path, Extent] = {}

    def find(self, folders: Iterable[Path], ids: Collection[str]) -> dict[str, PredictionEvent]:
        """The records with these ids, by id; what is not there, or not yet, is left out."""
        wanted, found = set(ids), dict[str, PredictionEvent]()
        for path in self._files(folders):
            self._refresh(path)
            if not self._extents[path].holds(wanted):
                continue
            for event in _events(path, 0):
                if event.prediction_id in wanted:
                    found[event.prediction_id] = event
            wanted -= found.keys()
            if not wanted:
                break
        return found

    def latest(
        self, folders: Iterable[Path], model: str, users: Collection[str]
    ) -> dict[str, PredictionEvent]:
        """The latest answered record of each user (`core.telemetry.mark`) at a model, by user."""
        wanted, found = set(users), dict[str, PredictionEvent]()
        for path in self._newest_first(folders):
            if wanted <= found.keys() and all(
                self._extents[path].high < event.prediction_id for event in found.values()
            ):
                break
            for event in _events(path, 0):
                if event.user not in wanted or event.outcome != "ok" or _model(event) != model:
                    continue
                known = found.get(event.user)
                if known is None or known.prediction_id < event.prediction_id:
                    found[event.user] = event
        return found

    def _newest_first(self, folders: Iterable[Path]) -> list[Path]:
        files = list(self._files(folders))
        for path in files:
            self._refresh(path)
        return sorted(files, key=lambda path: self._extents[path].high, reverse=True)

    def _files(self, folders: Iterable[Path]) -> Iterator[Path]:
        """Every file there is; what is known of those that are gone is forgotten."""
        there = [folder / str(place) for folder in folders if folder.is_dir() for place in places(folder)]
        self._extents = {path: self._extents.get(path, Extent()) for path in there}
        return iter(there)

    def _refresh(self, path: Path) -> None:
        """Read what the file grew by."""
        extent = self._extents[path]
        try:
            with path.open("rb") as file:
                for frame in frames(file, extent.end):
                    ids = [
                        event.prediction_id
                        for event in expand(frame, extent.end)
                        if isinstance(event, PredictionEvent)
                    ]
                    extent = Extent(frame.end, min([extent.low, *ids]), max([extent.high, *ids]))
        except (FrameError, OSError):
            pass  # it is being written, or its end is torn, or it is gone: what holds was read
        self._extents[path] = extent


def _events(path: Path, start: int) -> Iterator[PredictionEvent]:
    try:
        with path.open("rb") as file:
            for frame in frames(file, start):
                for event in expand(frame, start):
                    if isinstance(event, PredictionEvent):
                        yield event
    except (FrameError, OSError):
        return  # as above


def _model(event: PredictionEvent) -> str:
    return event.slot.rpartition(":")[0]
