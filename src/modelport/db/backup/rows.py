"""Tables as lines of JSON, and back: a line of column names, then an array per row; bytes are Base64."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from modelport.core.ready import ready
from modelport.db.backup import manifest
from modelport.db.backup.manifest import Part

_BATCH = 500


def tables(connection: Connection) -> tuple[sa.Table, ...]:
    """The tables that a backup holds, as they are in this database, referred-to ones first."""
    found = sa.MetaData()
    found.reflect(connection)
    return tuple(table for table in found.sorted_tables if table.name not in manifest.LEFT_OUT)


def dump(connection: Connection, table: sa.Table, target: Path) -> Part:
    """Write a table's rows to a file, in the order of its key."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as to:
        for line in _lines(connection, table):
            digest.update(line)
            size += to.write(line)
    return Part(str(table.name), size, digest.hexdigest())


def load(connection: Connection, table: sa.Table, lines: Iterable[bytes]) -> int:
    """Add the rows of such lines; how many. Raises `SettingsError` (`backup-malformed`)."""
    rows = _rows(table, iter(lines))
    count = 0
    while batch := [row for _, row in zip(range(_BATCH), rows, strict=False)]:
        connection.execute(sa.insert(table), batch)
        count += len(batch)
    return count


def _lines(connection: Connection, table: sa.Table) -> Iterator[bytes]:
    yield msgspec.json.encode([str(column.name) for column in table.columns]) + b"\n"
    ordered = sa.select(table).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
    with connection.execute(ordered) as rows:
        yield from (msgspec.json.encode(tuple(row)) + b"\n" for row in rows)


def _rows(table: sa.Table, lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    names = _decoded(next(lines, b""), list[str])
    if not set(names) <= set(table.columns.keys()):
        raise manifest.malformed()
    binary = {name for name in names if isinstance(table.c[name].type, sa.LargeBinary)}
    for line in lines:
        values = _decoded(line, list[Any])
        if len(values) != len(names):
            raise manifest.malformed()
        yield {
            name: base64.b64decode(value) if name in binary and value is not None else value
            for name, value in zip(names, values, strict=True)
        }


def _decoded(line: bytes, form: Any) -> Any:
    try:
        return msgspec.json.decode(line, type=ready(form))
    except msgspec.DecodeError as error:
        raise manifest.malformed() from error
