"""A log file that several processes write to stays small, and loses no line over being begun anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from modelport.errors import SettingsError
from modelport.serving.log_file import LogFile

STORY = """
import sys
from pathlib import Path
from modelport.serving import log
from modelport.serving.log_file import LogFile
log.setup("info", file=LogFile(Path(sys.argv[1]), 20_000, 40))
for number in range(1000):
    log.note("said", who=int(sys.argv[2]), number=number)
print("the rest", file=sys.stderr)
"""


def test_lines_of_several_processes_are_all_there_in_files_of_bounded_size(tmp_path: Path) -> None:
    log = tmp_path / "replica.log"
    writers = [
        subprocess.Popen([sys.executable, "-c", STORY, str(log), str(who)], stderr=subprocess.PIPE)
        for who in range(3)
    ]
    assert [writer.communicate()[1] for writer in writers] == [b"", b"", b""]  # it went to the file
    files = list(tmp_path.glob("replica.log*"))
    assert len(files) > 3
    assert all(file.stat().st_size < 20_000 + 3 * 100 for file in files)
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    said = [line for file in files for line in file.read_text().splitlines() if line != "the rest"]
    told = [(line["who"], line["number"]) for line in map(msgspec.json.decode, said)]
    assert sorted(told) == [(who, number) for who in range(3) for number in range(1000)]


def test_no_more_files_are_kept_than_asked_for(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", 10, 2)
    with (tmp_path / "a.log").open("w") as stream:
        for number in range(6):
            log.follow(stream.fileno())
            stream.write(f"line {number} is long\n")
            stream.flush()
    kept = {file.name: file.read_text() for file in tmp_path.glob("a.log*")}
    assert kept == {"a.log.2": "line 3 is long\n", "a.log.1": "line 4 is long\n", "a.log": "line 5 is long\n"}


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "other").open("w") as stream, pytest.raises(SettingsError) as refused:
        LogFile(tmp_path, 10, 1).take(stream.fileno())
    assert refused.value.code == "not-writable"
