"""The logs of the control plane and of the replicas of this machine, merged by time.

Each plane writes JSON lines to a log of its own in one folder: `control.log` and `replica-NAME.log`, with
what was written before in `NAME.log.1` and so on. A place in the merged log is how far each was read, and in
which file, so reading goes on where it ended, whatever that file is called by then.
"""

from __future__ import annotations

import heapq
import logging
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from modelport.core.pages import cursor, place
from modelport.core.sights import LogLine

FILE_BYTES = 4 << 20
"""At this size a log file is put aside as `NAME.log.1`, what was that as `NAME.log.2`, and so on."""
KEPT = 4
"""How many of those are kept; the oldest goes."""
SERVICES = {"control": "control"}
REPLICAS = "model-deployment"
"""The service of whatever a replica writes."""
_LINE_BYTES = 1 << 20
_TRIES, _MOMENT = 100, 0.01


class _Place(NamedTuple):
    """Behind a line: in the file with this mark, so many bytes from its start."""

    mark: int
    end: int


class _Read(NamedTuple):
    """A line, of which log, and the place behind it."""

    line: LogLine
    log: str
    behind: _Place


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
        logs = [
            _lines(path, places.get(path.name), since or 0.0)
            for path in sorted(self._folder.glob("*.log"))
            if path.is_file()
        ]
        for line in _placed(heapq.merge(*logs, key=lambda each: each.line.at), places):
            if _meant(line, service, model, since):
                yield line


def _placed(lines: Iterator[_Read], places: dict[str, _Place]) -> Iterator[LogLine]:
    """Each line with the place behind it, in all logs."""
    for read in lines:
        places[read.log] = read.behind
        parts = [part for name in sorted(places) for part in (name, *places[name])]
        yield msgspec.structs.replace(read.line, place=cursor(*parts))


def _places(after: str) -> dict[str, _Place]:
    parts = place(after)
    return {
        str(name): _Place(int(mark), int(end))
        for name, mark, end in zip(parts[::3], parts[1::3], parts[2::3], strict=False)
    }


def _lines(log: Path, known: _Place | None, since: float) -> Iterator[_Read]:
    """The whole lines of a log that are kept, the oldest first, or those behind a place; of files that were
    written to since.

    Where the file of the place is not kept any more, all that is kept is newer.
    """
    service = SERVICES.get(log.stem, REPLICAS)
    with ExitStack() as stack:
        files = [(file, _mark(file)) for file in _opened(log, stack)]
        marks = [mark for _, mark in files]
        first = marks.index(known.mark) if known and known.mark in marks else 0
        for file, mark in files[first:]:
            if os.fstat(file.fileno()).st_mtime < since:
                continue
            begin = known.end if known and known.mark == mark else 0
            file.seek(begin if begin <= os.fstat(file.fileno()).st_size else 0)
            for text, end in _whole(file):
                yield _Read(_line(text, service), log.name, _Place(mark, end))


def _opened(log: Path, stack: ExitStack) -> list[BinaryIO]:
    """The files of a log, the oldest first, as they were called at one moment."""
    for _ in range(_TRIES):
        names = [log.with_name(f"{log.name}.{number}") for number in range(KEPT, 0, -1)]
        files = [file for name in (*names, log) if (file := _open(name, stack)) is not None]
        with suppress(OSError):
            if files and os.path.samestat(os.fstat(files[-1].fileno()), log.stat()):
                return files
        stack.close()  # it is just being begun anew
        time.sleep(_MOMENT)
    return []


def _open(name: Path, stack: ExitStack) -> BinaryIO | None:
    try:
        return stack.enter_context(name.open("rb"))
    except FileNotFoundError:
        return None


def _mark(file: BinaryIO) -> int:
    """What a file is known by, whatever it is called: its first line, which has a time of its own."""
    return zlib.crc32(file.readline(_LINE_BYTES))


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
