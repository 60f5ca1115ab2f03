"""Bundles that workers are not to load now: not on this machine yet, or the end of those who tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from modelport.serving.replica.messages import Missing

Tell = Callable[[Missing], None]


class Absent:
    """Paths and reasons; without a reason a bundle is on its way. `tell` reaches every worker."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._missing: dict[str, str] = {}
        self._poison: dict[str, str] = {}

    @property
    def message(self) -> Missing | None:
        """What a worker that starts is to be told; None when nothing is absent."""
        paths = self._missing | self._poison
        return Missing(paths) if paths else None

    def missing(self, paths: Mapping[str, str]) -> None:
        """These are not on this machine yet."""
        self._missing = dict(paths)
        self._say()

    def poison(self, paths: Iterable[str], reason: str) -> None:
        """Nobody is to load these any more."""
        self._poison |= dict.fromkeys(paths, reason)
        self._say()

    def forgive(self) -> None:
        """They may be tried again."""
        if self._poison:
            self._poison = {}
            self._say()

    def _say(self) -> None:
        self._tell(Missing(self._missing | self._poison))
