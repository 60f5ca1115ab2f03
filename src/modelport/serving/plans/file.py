"""Plans from a watched file: `modelport serve --plan plan.json`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from modelport.core.plan import ServingPlan
from modelport.serving.replica.documents import WatchedFile, parse


class FilePlans:
    """A `PlanSource` over one JSON file holding a `ServingPlan`. Replace the file to publish a plan."""

    def __init__(self, path: str | Path) -> None:
        self._file = WatchedFile(path, "plan file")

    def plans(self) -> AsyncIterator[ServingPlan]:
        """The plan in the file, and each one it is replaced with."""
        return self._file.documents(lambda data: parse(data, ServingPlan, "plan file"))

    def reload(self) -> None:
        """Look again now."""
        self._file.reload()
