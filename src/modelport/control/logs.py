"""The logs of the control plane and of the replicas of this machine, merged by time.

Each process writes JSON lines to a file of its own in one folder: `control.log` and `replica-NAME.log`. A
place in the merged log is how far each file was read, so reading goes on where it ended.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from modelport.core.pages import cursor, place
from modelport.core.sights import LogLine

FILE_BYTES = 16 << 20
"""At this size a log file is put aside as `NAME.log.1`, in place of the one before."""
SERVICES = {"control": "control"}
REPLICAS = "model-deployment"
"""The service of whatever a replica writes."""
_LINE_BYTES = 1 << 20


class Logs:
    """Reads the logs of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(
        self,
        project: str,
        *,
        service: str | None,
        model: str | None,
        since: float | None,
        after: str | None,
    ) -> Iterator[LogLine]:
        """Lines by time, from `since` or after a `LogLine.place`, up to the end there is now.

        Logs are the machine's: only the project `default`, whose machine it is, sees them.
        """
        if project != "default":
            return
        places = _places(after) if after else {}
        files = [
            _lines(path, places.get(path.name, 0))
            for path in sorted(self._folder.glob("*.log"))
            if path.is_file()
        ]
        for line in _placed(heapq.merge(*files, key=lambda each: each[0].at), places):
            if _meant(line, service, model, since):
                yield line


def _placed(lines: Iterator[tuple[LogLine, str, int]], places: dict[str, int]) -> Iterator[LogLine]:
    """Each line with the place behind it, in all files."""
    for line, file, end in lines:
        places[file] = end
        pairs = [part for name in sorted(places) for part in (name, places[name])]
        yield msgspec.structs.replace(line, place=cursor(*pairs))


def _places(after: str) -> dict[str, int]:
    parts = place(after)
    return {str(name): int(end) for name, end in zip(parts[::2], parts[1::2], strict=False)}


def _lines(path: Path, begin: int) -> Iterator[tuple[LogLine, str, int]]:
    """The whole lines of a file from an offset on; of a file that was begun anew, from its start."""
    service = SERVICES.get(path.stem, REPLICAS)
    with path.open("rb") as file:
        file.seek(begin if begin <= path.stat().st_size else 0)
        for text, end in _whole(file):
            yield _line(text, service), path.name, end


def _whole(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    while (text := file.readline(_LINE_BYTES)).endswith(b"\n"):
        if text.strip():
            yield text, file.tell()


def _line(text: bytes, service: str) -> LogLine:
    """A line as it was written; what is no JSON of ours is a message as it stands."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
        at = datetime.fromisoformat(str(found.pop("time"))).timestamp()
    except (msgspec.DecodeError, KeyError, ValueError):
        return LogLine(0.0, service, "info", text.decode("utf-8", "replace").strip())
    level, message = str(found.pop("level", "info")), str(found.pop("event", ""))
    return LogLine(at, service, level, message, _model(found), found)


def _model(fields: Mapping[str, Any]) -> str:
    """Which model a line is about: as it says, or as its slot or endpoint does."""
    for name in ("model", "endpoint", "slot"):
        if isinstance(value := fields.get(name), str):
            return value.partition(":")[0]
    return ""


def _meant(line: LogLine, service: str | None, model: str | None, since: float | None) -> bool:
    return (
        (service is None or line.service == service)
        and (model is None or line.model == model)
        and (since is None or line.at >= since)
    )


class JsonLines(logging.Formatter):
    """Time (RFC 3339, UTC), level and event first, then the fields of the event: as replicas write them."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of ASCII, so that nothing in it can forge a line."""
        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{whole}.{int(record.created % 1 * 1000):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _ascii(line)


def _ascii(line: Mapping[str, Any]) -> str:
    text = msgspec.json.encode(line, enc_hook=str).decode()
    return "".join(each if " " <= each < "\x7f" else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
