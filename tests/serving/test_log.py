"""One JSON object per line, whatever is in it."""

from __future__ import annotations

import logging
import subprocess
import sys

import msgspec
import pytest

from modelport.errors import SettingsError
from modelport.serving import log


def line(said: str, /, **fields: object) -> str:
    record = logging.LogRecord("modelport.serving", logging.INFO, "x.py", 1, said, None, None)
    record.created = 1767323045.75
    record.fields = fields
    return log.JsonFormatter().format(record)


def test_time_level_and_event_come_first() -> None:
    assert (
        line("listening", url="http://127.0.0.1:1")
        == '{"time":"2026-01-02T03:04:05.750Z","level":"info","event":"listening","url":"http://127.0.0.1:1"}'
    )


@pytest.mark.parametrize("nasty", ["a\r\nb", "\x1b[31mred", "\x00", "\x9b31m", "\x7f", "\u2028", "\ud800"])
def test_no_value_breaks_its_line_or_reaches_a_terminal(nasty: str) -> None:
    """RELIABILITY 24: line breaks and terminal escapes arrive escaped."""
    for text in (line(nasty), line("event", value=nasty)):
        assert text.isascii()
        assert text.isprintable()
        msgspec.json.decode(text)


def test_fields_never_replace_what_every_line_has() -> None:
    known = msgspec.json.decode(line("worker lost", level="none", event="forged"))
    assert (known["level"], known["event"]) == ("info", "worker lost")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(SettingsError, match="'loud' is not a log level"):
        log.setup("loud")


def test_logs_of_every_room_go_to_stderr_from_the_level_on() -> None:
    story = (
        "import logging; from modelport.serving import log; log.setup('warning');"
        "log.note('quiet'); logging.getLogger('modelport.bundle').warning('no %s', 'bundle')"
    )
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert msgspec.json.decode(done.stderr)["event"] == "no bundle"
