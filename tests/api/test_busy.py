"""Another program holds the database: who reads is answered, who writes is refused after one wait."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from tests.api.conftest import Served

from modelport.db import connect

CROWD = 60
"""More than there are threads that answer readers."""


@pytest.fixture
def held(served: Served) -> Iterator[sqlite3.Connection]:
    """The right to write, in other hands until it is rolled back."""
    with closing(sqlite3.connect(str(served.platform.keys._database.file))) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_who_reads_is_answered_also_with_a_key_whose_use_cannot_be_noted(
    served: Served, held: sqlite3.Connection
) -> None:
    """That it was used is written meanwhile, or not at all."""
    served.clock.ahead += 1000  # the key is as one that was not used lately
    with served.http() as http:
        http.timeout = connect.BUSY_SECONDS / 2
        assert http.get("/api/v1/models").status_code == 200


def test_who_writes_is_refused_and_the_database_is_not_told_of_it(
    served: Served, held: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.2)
    told: list[object] = []
    monkeypatch.setattr(served.platform.journal, "note", lambda *words, **_: told.append(words))
    with served.http(**{"Idempotency-Key": "busy-1"}) as http:
        refused = http.post("/api/v1/models", json={"name": "busy"})
        assert (refused.status_code, refused.json()["code"]) == (503, "database-busy")
        assert "retry-after" in refused.headers
        held.rollback()
        assert http.post("/api/v1/models", json={"name": "busy"}).status_code == 201
    assert told == []


def test_a_crowd_that_waits_to_write_holds_up_no_reader(served: Served, held: sqlite3.Connection) -> None:
    assert asyncio.run(crowd(served, held)) == [201] * CROWD


async def crowd(served: Served, held: sqlite3.Connection) -> list[int]:
    """What the writers are told in the end; a reader, and whoever asks for health, is answered before."""
    headers = {"authorization": f"Bearer {served.key}"}
    async with httpx.AsyncClient(base_url=served.url, headers=headers, timeout=30) as http:
        writers = [
            asyncio.create_task(http.post("/api/v1/models", json={"name": f"crowd-{number}"}))
            for number in range(CROWD)
        ]
        await asyncio.sleep(0.5)
        for path in ("/api/v1/models", "/ready"):
            read = await asyncio.wait_for(http.get(path), connect.BUSY_SECONDS / 2)
            assert read.status_code == 200
        assert not any(writer.done() for writer in writers)
        held.rollback()
        return [answer.status_code for answer in await asyncio.gather(*writers)]
