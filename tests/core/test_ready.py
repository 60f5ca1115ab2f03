"""Types that threads read for the first time at the same moment are learned once, by one of them."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

import modelport
from modelport.core.ready import ready

HOUSE = Path(modelport.__file__).parent
BUILT_IN = {"dict", "list", "str", "int", "bool", "tuple"}

looks: list[int] = []


def slowly() -> type[int]:
    """What an annotation comes to; in the time that it takes another thread would come in between."""
    looks.append(threading.get_ident())
    time.sleep(0.02)
    return int


class Slow(msgspec.Struct):
    first: "slowly()"  # type: ignore[valid-type] # noqa: UP037
    second: "slowly()"  # type: ignore[valid-type] # noqa: UP037


def test_one_thread_learns_what_a_type_is_and_the_others_wait() -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(
            threads.map(lambda _: msgspec.json.decode(b'{"first":1,"second":2}', type=ready(Slow)), range(8))
        )
    assert found == [Slow(1, 2)] * 8
    assert len(set(looks)) == 1
    assert len(looks) == 2


def reads(tree: ast.AST) -> Iterator[ast.expr]:
    """The types that a module reads outside of decoders that are made with it."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        if name == "msgspec.convert":
            yield call.args[1]
        elif name in {"msgspec.json.decode", "msgspec.msgpack.decode", "msgspec.yaml.decode"}:
            yield from (word.value for word in call.keywords if word.arg == "type")


def is_ready(kind: ast.expr) -> bool:
    text = ast.unparse(kind)
    return text.startswith("ready(") or text.partition("[")[0] in BUILT_IN


def test_every_type_that_a_thread_may_read_is_made_ready() -> None:
    """The command line and the compiler read in the one thread of their process."""
    rooms = {path.name for path in HOUSE.iterdir() if path.is_dir()} - {"cli", "compile", "testing"}
    found = {
        f"{path.relative_to(HOUSE)}: {ast.unparse(kind)}"
        for room in rooms
        for path in (HOUSE / room).rglob("*.py")
        for kind in reads(ast.parse(path.read_text("utf-8")))
        if not is_ready(kind)
    }
    assert found == set()
