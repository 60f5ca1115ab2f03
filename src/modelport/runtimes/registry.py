"""Which runtime loads which kind of bundle: the entry points `modelport.runtimes`, ours among them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from modelport.errors import BundleRefused
from modelport.runtimes.base import Runtime

GROUP = "modelport.runtimes"


@cache
def runtime(kind: str) -> Runtime:
    """The runtime named `kind`. Imports only that one. Raises `BundleRefused` when none is installed."""
    found = tuple(entry_points(group=GROUP, name=kind))
    if len(found) != 1:
        msg = f"there {'is no runtime' if not found else 'are several runtimes'} {kind!r} installed"
        raise BundleRefused(msg, code="runtime-absent", hint=f"installed: {', '.join(kinds()) or 'none'}")
    built: Runtime = found[0].load()()
    return built


def kinds() -> tuple[str, ...]:
    """Names of the installed runtimes, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))
