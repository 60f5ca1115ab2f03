"""Points at which a test may stop this process, to see what is there afterwards.

A point costs one comparison. Nothing arms them but a test's own child process: no setting, no variable of the
environment. (The idea is FoundationDB's "buggify": the code names the places where a fault would hurt most.)
"""

from __future__ import annotations

from collections.abc import Callable

_reached: Callable[[str], None] | None = None


def arm(reached: Callable[[str], None] | None) -> None:
    """Have `reached` called with the name of every point from now on; None disarms."""
    global _reached  # noqa: PLW0603 - one process, one switch
    _reached = reached


def point(name: str) -> None:
    """A place between two steps, such as `backup.table`, after which a kill must leave nothing half done."""
    if _reached is not None:
        _reached(name)
