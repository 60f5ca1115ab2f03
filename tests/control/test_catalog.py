"""Versions for planning: all of them in one look."""

from __future__ import annotations

import sqlalchemy as sa
from tests.slow.many import filled

from modelport.control.catalog import Shelves
from modelport.db.connect import Database


def test_any_number_of_versions_is_one_statement_and_those_that_are_not_there_are_left_out(
    database: Database,
) -> None:
    filled(database, 30)
    wanted = [(f"model-{number:05}", number % 3 + 1) for number in range(40)]
    said: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *words: said.append(words[2]))
    with database.reading() as connection:
        said.clear()
        found = Shelves().some(connection, "default", wanted)
        assert len(said) == 1
        assert Shelves().some(connection, "another", wanted) == {}
    assert found.keys() == {f"{model}:{number}" for model, number in wanted[:30] if number < 3}
    assert all(version.id == name for name, version in found.items())
