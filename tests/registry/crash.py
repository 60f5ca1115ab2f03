"""A child process that registers bundles and is killed: `python -m tests.registry.crash URL FOLDER`.

It is asked for [step, model, bundle] and acknowledges the id of the version (`tests.killed`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests import killed

from modelport.core.wishes import Registration
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.registry.registry import Registry
from modelport.storage.local import LocalStore


class Now:
    """A clock that stands."""

    def now(self) -> float:
        return 1.0

    def monotonic(self) -> float:
        return 1.0


class Nothing:
    """Nothing is deployed."""

    def versions(self, *_: object) -> set[int]:
        return set()

    def artifacts(self, *_: object) -> set[str]:
        return set()

    def alias_moved(self, *_: object) -> None:
        return None


def register(say: Callable[[str], object], model: str, bundle: str) -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    store = LocalStore(folder / "artifacts")
    registry = Registry(Database(url), store, folder / "downloads", Now(), Nothing())
    say(registry.register(Author("anna"), model, Path(bundle), Registration())[0].id)


if __name__ == "__main__":
    Database(sys.argv[1]).close()  # imports its driver once, for all forks
    killed.serve(register)
