"""The log of a replica: one JSON object per line on stderr, one line per event.

    {"time": "2026-01-02T03:04:05.678Z", "level": "info", "event": "listening", "url": "http://127.0.0.1:8000"}

JSON escapes control characters, so nothing a caller sends can forge a line or reach a terminal.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, TextIO

from modelport.errors import SettingsError
from modelport.serving.log_file import Following, LogFile

LOGGER = "modelport"
LEVELS = ("debug", "info", "warning", "error")

_logger = logging.getLogger("modelport.serving")


class JsonFormatter(logging.Formatter):
    """Time (RFC 3339, UTC), level and event first, then the fields of the event, each under its own name."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of ASCII."""
        line: dict[str, Any] = {
            "time": _rfc3339(record.created),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        for name, value in getattr(record, "fields", {}).items():
            line.setdefault(name, value)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _ascii(line)


def setup(level: str, stream: TextIO | None = None, file: LogFile | None = None) -> None:
    """Send our loggers to `stream` (stderr unless said) from `level` on; asyncio's from warning on.

    With a `file` the descriptor of the stream writes to it from now on, whoever else does, and follows it.
    Raises `SettingsError`.
    """
    if level not in LEVELS:
        msg = f"{level!r} is not a log level"
        raise SettingsError(msg, hint=", ".join(LEVELS))
    handler = _handler(stream or sys.stderr, file)
    handler.setFormatter(JsonFormatter())
    for name, lowest in ((LOGGER, level.upper()), ("asyncio", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(lowest)


def _handler(stream: TextIO, file: LogFile | None) -> logging.StreamHandler[TextIO]:
    if file is None:
        return logging.StreamHandler(stream)
    file.take(stream.fileno())
    return Following(stream, file)


def note(event: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log one event with its fields. Values are JSON-able; never a secret."""
    _logger.log(level, event, extra={"fields": fields})


def trouble(event: str, error: Exception, **fields: Any) -> None:
    """Log what should never happen, with the traceback of the exception."""
    _logger.error(event, exc_info=error, extra={"fields": fields})


def _rfc3339(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _ascii(line: dict[str, Any]) -> str:
    """All that is not printable ASCII escaped; half a surrogate pair, which no JSON may hold, becomes `?`."""
    text = json.dumps(line, separators=(",", ":"), default=str)
    if "\\ud" in text:
        whole = json.dumps(line, ensure_ascii=False, default=str).encode("utf-8", "replace")
        text = json.dumps(json.loads(whole), separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")
