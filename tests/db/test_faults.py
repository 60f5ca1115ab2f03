"""Kills, restarts and crowds: what was acknowledged is there, nothing is half done, numbers have no gap."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests import databases
from tests.databases import Kind

from modelport.core.records import Entry
from modelport.db import audit, journal, schema
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.db.tables import about
from modelport.errors import Overloaded

KINDS: tuple[Kind, ...] = ("sqlite", "postgresql")

WRITER = """
import sys
from modelport.db import journal
from modelport.db.connect import Database
import sqlalchemy as sa
from modelport.db.tables import about
url, name, count = sys.argv[1:]
database = Database(url)
def work(connection, number):
    connection.execute(sa.insert(about).values(name=f"{name}-{number}", value="there"))
    return journal.append(connection, journal.Author(name), "test.write", f"{name}-{number}", at=1.0)
for number in range(int(count)):
    database.write(lambda connection: work(connection, number))
    print(number, flush=True)
database.close()
"""


def start(url: str, name: str, count: int) -> subprocess.Popen[str]:
    """A process that writes `count` rows, each with its journal entry, and tells of each that is written."""
    arguments = [sys.executable, "-c", WRITER, url, name, str(count)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def entries(database: Database) -> list[Entry]:
    with database.reading() as connection:
        return list(audit.chain(connection))


def check(database: Database, acknowledged: int) -> None:
    """Rows and entries belong together, the chain holds, and what was acknowledged is there."""
    found = entries(database)
    assert journal.broken(iter(found)) is None
    with database.reading() as connection:
        rows = set(connection.execute(sa.select(about.c.name).where(about.c.value == "there")).scalars())
    assert {entry.resource for entry in found} == rows
    assert len(rows) >= acknowledged


def crowd(kind: Kind, folder: Path, processes: int, count: int) -> None:
    with databases.fresh(kind, folder) as database:
        url = database.url.render_as_string(hide_password=False)
        running = [start(url, f"p{number}", count) for number in range(processes)]
        for process in running:
            process.communicate(timeout=500)
            assert process.returncode == 0
        check(database, processes * count)
        assert [entry.number for entry in entries(database)] == list(range(1, processes * count + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_processes_that_write_at_once_leave_no_gap(kind: Kind, tmp_path: Path) -> None:
    crowd(kind, tmp_path, 3, 15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_processes_that_write_at_once_leave_no_gap(kind: Kind, tmp_path: Path) -> None:
    crowd(kind, tmp_path, 16, 200)


def kill(kind: Kind, folder: Path, rounds: int) -> None:
    drawn = random.Random(7)
    with ExitStack() as stack:
        first = stack.enter_context(databases.fresh(kind, folder))
        url = first.url.render_as_string(hide_password=False)
        first.close()
        acknowledged = 0
        for number in range(rounds):
            acknowledged += killed(url, f"r{number}", drawn.randint(1, 20))
            with closing(Database(url)) as database:
                assert not schema.upgrade(database)
                check(database, acknowledged)
        print(f"{kind}: {rounds} kills, {acknowledged} acknowledged writes, all there")


def killed(url: str, name: str, after: int) -> int:
    """How many writes a process acknowledged before it was killed, at some moment after its `after`th."""
    process = start(url, name, 1_000_000)
    assert process.stdout is not None
    for _ in range(after):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    return after + rest.count("\n")


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_kill_what_was_acknowledged_is_there(kind: Kind, tmp_path: Path) -> None:
    kill(kind, tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_after_a_hundred_kills_what_was_acknowledged_is_there(kind: Kind, tmp_path: Path) -> None:
    kill(kind, tmp_path, 100)


def test_a_writer_waits_while_another_process_holds_the_file(tmp_path: Path) -> None:
    with databases.fresh("sqlite", tmp_path) as database, closing(Database(str(database.url))) as other:
        holding = threading.Event()

        def hold() -> None:
            with other.writing():
                holding.set()
                time.sleep(1.0)

        holder = threading.Thread(target=hold)
        holder.start()
        holding.wait(10)
        entry = database.write(lambda to: journal.append(to, Author("anna"), "test.write", "a", at=1.0))
        holder.join()
        assert entry.number == 1


@pytest.fixture
def server() -> Iterator[databases.Server]:
    with tempfile.TemporaryDirectory(prefix="pg-") as folder, databases.Server(Path(folder)) as running:
        yield running


def test_writing_goes_on_when_a_server_was_restarted(server: databases.Server) -> None:
    """Writers that meet the restart wait; one whose commit was cut is told that nobody knows."""
    told: list[Overloaded] = []
    acknowledged: list[int] = []
    done = threading.Event()

    def write(name: str, database: Database) -> None:
        for number in itertools.takewhile(lambda _: not done.is_set(), itertools.count()):
            try:
                database.write(partial(note, name=f"{name}-{number}"))
                acknowledged.append(number)
            except Overloaded as error:
                told.append(error)

    with closing(Database(server.url)) as database:
        schema.upgrade(database)
        threads = [threading.Thread(target=write, args=(f"t{one}", database)) for one in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: len(acknowledged) > 20)
        server.stop()
        server.start()
        before, began = len(acknowledged), time.monotonic()
        until(lambda: len(acknowledged) > before + 20)
        resumed = time.monotonic() - began
        done.set()
        for thread in threads:
            thread.join()
        print(f"writing again {resumed:.2f} s after the server was back; {len(told)} writers were told")
        check(database, len(acknowledged))
    assert {error.code for error in told} <= {"database-gone"}


def note(connection: sa.Connection, name: str) -> None:
    connection.execute(sa.insert(about).values(name=name, value="there"))
    journal.append(connection, Author("anna"), "test.write", name, at=1.0)


def until(true: object, seconds: float = 60.0) -> None:
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
