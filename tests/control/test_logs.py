"""Logs: merged by time, filtered, read on from a place; nothing in them can forge a line."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from modelport.control.logs import KEPT, JsonLines, Logs
from modelport.core.sights import LogLine


def write(path: Path, *lines: tuple[int, str, str]) -> None:
    with path.open("a") as file:
        for second, event, slot in lines:
            told = {
                "time": f"2026-01-02T03:04:{second:02d}.000Z",
                "level": "info",
                "event": event,
                "slot": slot,
            }
            file.write(msgspec.json.encode(told).decode() + "\n")


def read(folder: Path, after: str | None = None, **meant: str) -> list[LogLine]:
    service, model = meant.get("service"), meant.get("model")
    return list(Logs(folder).read("default", service=service, model=model, since=None, after=after))


def test_lines_of_all_processes_come_by_time_and_reading_goes_on_where_it_ended(tmp_path: Path) -> None:
    write(tmp_path / "control.log", (1, "a", "churn:1"), (4, "d", "churn:1"))
    write(tmp_path / "replica-local.log", (2, "b", "churn:1"), (3, "c", "other:1"))
    lines = read(tmp_path)
    assert [each.message for each in lines] == ["a", "b", "c", "d"]
    assert [each.service for each in lines] == ["control", "model-deployment", "model-deployment", "control"]
    assert [each.message for each in read(tmp_path, lines[1].place)] == ["c", "d"]
    write(tmp_path / "replica-local.log", (9, "e", "churn:1"))
    assert [each.message for each in read(tmp_path, lines[-1].place)] == ["e"]


def test_lines_of_a_service_or_a_model_are_found(tmp_path: Path) -> None:
    write(tmp_path / "control.log", (1, "a", "churn:1"))
    write(tmp_path / "replica-local.log", (2, "b", "churn:1"), (3, "c", "other:1"))
    assert [each.message for each in read(tmp_path, service="model-deployment")] == ["b", "c"]
    assert [each.message for each in read(tmp_path, model="churn")] == ["a", "b"]


def test_a_log_that_was_begun_anew_is_read_from_its_start_and_a_torn_line_waits(tmp_path: Path) -> None:
    log = tmp_path / "control.log"
    write(log, (1, "a", "x"), (2, "b", "x"))
    place = read(tmp_path)[-1].place
    log.write_text("")
    write(log, (3, "c", "x"))
    with log.open("a") as file:
        file.write('{"time": "2026-01-02T03:0')
    assert [each.message for each in read(tmp_path, place)] == ["c"]


def put_aside(log: Path) -> None:
    for number in range(KEPT, 0, -1):
        older = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def test_reading_goes_on_over_any_number_of_files_that_were_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "replica-local.log"
    write(log, (1, "a", "x"), (2, "b", "x"))
    place = read(tmp_path)[0].place
    for second, event in enumerate("cde", 3):
        put_aside(log)
        write(log, (second, event, "x"))
        assert [each.message for each in read(tmp_path, place)] == list("bcde"[: second - 1])
    assert [each.message for each in read(tmp_path)] == list("abcde")
    for second, event in enumerate("fgh", 6):
        put_aside(log)
        write(log, (second, event, "x"))
    assert [each.message for each in read(tmp_path, place)] == list("defgh")  # all that is kept


def test_another_project_sees_nothing_of_this_machine(tmp_path: Path) -> None:
    write(tmp_path / "control.log", (1, "a", "x"))
    assert list(Logs(tmp_path).read("other", service=None, model=None, since=None, after=None)) == []


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_whatever_is_logged_is_one_line_of_ascii_that_says_it(text: str) -> None:
    record = logging.LogRecord("modelport", logging.INFO, "", 0, "%s", (text,), None)
    line = JsonLines().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert msgspec.json.decode(line)["event"] == text
