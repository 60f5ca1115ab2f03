"""Run one replica: `python -m modelport.serving --settings settings.json` (a file, or the JSON itself)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import modelport
from modelport.errors import ModelportError, SettingsError
from modelport.serving import log, log_file
from modelport.serving.checks import check
from modelport.serving.plans.file import FilePlans
from modelport.serving.plans.source import PlanSource
from modelport.serving.plans.standalone import StandalonePlans
from modelport.serving.replica import workers
from modelport.serving.replica.access_file import AccessFile
from modelport.serving.replica.documents import parse
from modelport.serving.replica.supervisor import AccessSource, Supervisor
from modelport.serving.settings import Settings

if TYPE_CHECKING:
    from modelport.serving.fleet.member import Member

UNUSABLE = 2
"""Exit code of a replica that could not start as it was asked to."""


def main(settings: Settings, *, module: str = workers.MODULE) -> int:
    """Serve until told to stop; the exit code: 0 after a drain, 2 with the reason when it could not start."""
    try:
        log.setup(settings.log_level)
        settings = log_file.absolute(check(settings))
        log.setup(settings.log_level, file=log_file.of(settings))
        log.note("started", pid=os.getpid(), version=modelport.__version__)
        return asyncio.run(_replica(settings, module))
    except ModelportError as error:
        log.note("not started", logging.ERROR, code=error.code, reason=error.message, hint=error.hint)
        return UNUSABLE


async def _replica(settings: Settings, module: str) -> int:
    access: AccessSource | None = AccessFile(settings.keys) if settings.keys else None
    if settings.control:
        member = _member(settings)
        access = access or member.access
        return await Supervisor(settings, member.plans, access, member=member, say=_say, module=module).run()
    return await Supervisor(settings, _plans(settings), access, say=_say, module=module).run()


def _member(settings: Settings) -> Member:
    """Imported here: a replica of its own speaks to no control plane, and fetches nothing."""
    from modelport.serving.fleet.member import Member
    from modelport.storage.urls import fetch

    return Member(settings, fetch)


def _plans(settings: Settings) -> PlanSource:
    if settings.plan:
        return FilePlans(settings.plan)
    lazy = bool(settings.memory or settings.unload_idle)
    cores = len(os.sched_getaffinity(0)) if settings.tuning else None
    return StandalonePlans(
        settings.bundles,
        settings.split,
        shadow=settings.shadow,
        lazy=lazy,
        pin=settings.pin,
        scale=settings.scale,
        device=settings.device,
        cores=cores,
    )


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody has to listen
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _settings(argv: list[str]) -> Settings:
    """The settings that the arguments name; raises `SettingsError`."""
    if len(argv) != 2 or argv[0] != "--settings":
        msg = "say what to serve"
        raise SettingsError(msg, hint="python -m modelport.serving --settings FILE, or the JSON itself")
    if argv[1].lstrip().startswith("{"):
        return parse(argv[1].encode(), Settings, "settings")
    try:
        return parse(Path(argv[1]).read_bytes(), Settings, "settings file")
    except OSError as error:
        msg = f"cannot read the settings file {Path(argv[1]).name!r}: {error.strerror}"
        raise SettingsError(msg, code="no-such-file") from error


def _command(argv: list[str]) -> int:
    try:
        return main(_settings(argv))
    except SettingsError as error:
        sys.stderr.write(f"modelport: {error}\n")
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(_command(sys.argv[1:]))
