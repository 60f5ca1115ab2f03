"""Where the control plane is, and which key to show it: said, from the environment, or from the folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from modelport.core.ready import ready
from modelport.errors import SettingsError

FOLDER = Path(".modelport")
"""Where `modelport up` keeps its state."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a control plane, and a key for it; None where it needs none."""

    url: str
    key: str | None

    def __repr__(self) -> str:
        return f"Place(url={self.url!r}, key={'…' if self.key else None})"


class _Address(msgspec.Struct):
    url: str
    predictions: str = ""


def locate(
    url: str | None = None,
    key: str | None = None,
    *,
    folder: Path = FOLDER,
    environment: Mapping[str, str] | None = None,
) -> Place:
    """The place as said, else as `MODELPORT_CONTROL` and `MODELPORT_KEY` say, else that of `modelport up`.

    The folder's key goes to the folder's own control plane only: no other server ever sees it. Raises
    `SettingsError` (`no-control-plane`) when there is no address.
    """
    known = os.environ if environment is None else environment
    url = url or known.get("MODELPORT_CONTROL") or None
    key = key or known.get("MODELPORT_KEY") or None
    found = _address(folder)
    here = found.url if found is not None else None
    if url is None:
        url = here
    if url is None:
        msg = "no control plane is known here"
        raise SettingsError(
            msg,
            code="no-control-plane",
            hint="run `modelport up` in this folder, or set MODELPORT_CONTROL and MODELPORT_KEY",
        )
    if key is None and here is not None and url.rstrip("/") == here.rstrip("/"):
        key = _key(folder)
    return Place(url, key)


def predictions(folder: Path = FOLDER) -> str | None:
    """Where the replica of `modelport up` in this folder answers; None where none does."""
    found = _address(folder)
    return found.predictions or None if found is not None else None


def _address(folder: Path) -> _Address | None:
    try:
        return msgspec.json.decode((folder / "control.json").read_bytes(), type=ready(_Address))
    except (OSError, msgspec.DecodeError):
        return None


def _key(folder: Path) -> str | None:
    try:
        return (folder / "key").read_text("utf-8").strip() or None
    except OSError:
        return None
