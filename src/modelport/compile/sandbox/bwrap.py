"""bubblewrap: name spaces of its own, where other files, processes and networks do not exist."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelport.compile.sandbox import visible
from modelport.compile.sandbox.limits import Limits

_PLACES = "/usr/bin:/bin:/usr/local/bin"
_NOBODY = "65534"


def program() -> str | None:
    """Where bubblewrap is installed; None where it is not. The caller's PATH has no say."""
    return shutil.which("bwrap", path=_PLACES)


def inside(name: str, path: Path) -> Path:
    """Where the input `name` appears in the sandbox."""
    return Path("/in") / f"{name}{path.suffix}"


def command(
    bwrap: str, inputs: Mapping[str, Path], limits: Limits, environment: Mapping[str, str]
) -> list[str]:
    """The command line that puts what follows it into the sandbox. Inputs are read-only."""
    return [
        bwrap,
        *("--unshare-user", "--unshare-all", "--uid", _NOBODY, "--gid", _NOBODY, "--cap-drop", "ALL"),
        *("--hostname", "sandbox", "--die-with-parent", "--clearenv"),
        *_variables(environment),
        # Its own, and before the code is mounted, which may lie below it.
        *("--size", str(limits.scratch), "--tmpfs", "/tmp"),  # noqa: S108
        *_mounts(inputs),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", "/tmp", "--"),  # noqa: S108
    ]


def _variables(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield from ("--setenv", name, value)


def _mounts(inputs: Mapping[str, Path]) -> Iterator[str]:
    for place in visible.code():
        if place.is_symlink() and place.parent == Path("/"):  # /lib -> usr/lib
            yield from ("--symlink", str(place.readlink()), str(place))
        else:
            yield from ("--ro-bind", str(place), str(place))
    for hardware in visible.HARDWARE:
        if hardware.is_relative_to("/sys"):
            yield from ("--ro-bind-try", str(hardware), str(hardware))
    for name, path in inputs.items():
        yield from ("--ro-bind", str(path), str(inside(name, path)))
