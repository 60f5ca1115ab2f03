"""Telemetry of a worker as its settings want it."""

from __future__ import annotations

from pathlib import Path

from modelport.serving.replica.messages import Boot
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.telemetry.flusher import Flusher
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.spool import Spool


def recording(settings: Settings, segment: Segment, boot: Boot) -> tuple[Recorder | None, Flusher | None]:
    """A recorder, unless telemetry is off, and what writes to disk, started, where there is a spool."""
    if not settings.telemetry:
        return None, None
    recorder = Recorder(segment, boot.worker, redacted=settings.redact, spooled=settings.spool is not None)
    if settings.spool is None:
        return recorder, None
    spool = Spool(
        Path(settings.spool),
        boot.incarnation,
        boot.worker,
        workers=boot.workers,
        total_bytes=settings.spool_bytes,
    )
    flusher = Flusher(recorder, spool, segment, boot.worker)
    flusher.start()
    return recorder, flusher
