"""Every error has one form, and says nothing it should not; every code is documented."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.problem import LONGEST, Fault, problem
from modelport.errors import InvalidInput, NotFound, Overloaded

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "reference" / "errors.md"


def answer(error: Exception, *faults: Fault) -> tuple[int, dict[str, Any]]:
    status, body = problem(error, "req-1", faults)
    return status, json.loads(body)


def test_a_problem_has_every_member_callers_rely_on() -> None:
    assert answer(NotFound("no model 'chrun'", hint="there are: churn")) == (
        404,
        {
            "type": "urn:modelport:error:not-found",
            "title": "Not found",
            "status": 404,
            "detail": "no model 'chrun'",
            "code": "not-found",
            "request_id": "req-1",
            "error": "no model 'chrun'",
            "hint": "there are: churn",
        },
    )


def test_a_code_of_its_own_has_a_type_and_a_title_of_its_own() -> None:
    status, document = answer(Overloaded("worker lost", code="worker-lost"))
    assert status == 503
    assert document["type"].endswith(":worker-lost")
    assert document["title"] == "Worker lost"
    assert "hint" not in document


def test_the_offending_place_is_named() -> None:
    _, document = answer(InvalidInput("age is text", pointer="/input/3/age"))
    assert document["errors"] == [{"pointer": "/input/3/age", "message": "age is text"}]


def test_several_offending_places_are_all_named() -> None:
    faults = [Fault("/input/0", "too long"), Fault("/input/2", "not a string")]
    _, document = answer(InvalidInput("no item is valid"), *faults)
    assert document["errors"] == [
        {"pointer": "/input/0", "message": "too long"},
        {"pointer": "/input/2", "message": "not a string"},
    ]


@pytest.mark.parametrize(
    "error", [RuntimeError("/srv/secret"), KeyError("password"), OSError(2, "no", "/etc/x")]
)
def test_an_unexpected_exception_says_nothing_of_itself(error: Exception) -> None:
    status, body = problem(error, "req-1")
    assert status == 500
    assert json.loads(body)["code"] == "internal"
    assert not [word for word in (b"secret", b"password", b"/etc", b"Traceback", b"Error") if word in body]


@given(st.text(st.characters()), st.text(st.characters(categories=["Cs", "Cc"])))
def test_whatever_a_caller_sent_the_body_is_valid_json(message: str, hint: str) -> None:
    """Lone surrogates, NUL and control characters among it."""
    _, body = problem(InvalidInput(message, hint=hint, pointer="/" + hint), "req-1")
    json.loads(body.decode())
    assert not re.search(rb"[\x00-\x1f]", body)


def test_a_long_message_is_cut() -> None:
    _, document = answer(InvalidInput("x" * 1_000_000))
    assert len(document["detail"]) == LONGEST


def strings(node: ast.expr | None) -> Iterator[str]:
    """The texts an expression may be, in any of its branches."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*strings(one), *strings(other))
        case ast.BoolOp(values=values):
            yield from (text for value in values for text in strings(value))


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Codes of errors, wherever a file says one.

    `code="..."` in a call or the body of a class, what a function `_code` returns, and what stands in a call
    at the place of a function's parameter `code`.
    """
    nodes = list(ast.walk(tree))
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        match node:
            case (
                ast.keyword(arg="code", value=value) | ast.Assign(targets=[ast.Name(id="code")], value=value)
            ):
                yield from strings(value)
            case ast.Call(func=ast.Name(id=name)) if name in functions:
                names = [argument.arg for argument in functions[name].args.args]
                given = dict(zip(names, node.args, strict=False))
                yield from strings(given["code"]) if "code" in given else ()
            case ast.FunctionDef(name="_code"):
                returned = (one for one in ast.walk(node) if isinstance(one, ast.Return))
                yield from (text for one in returned for text in strings(one.value))


def codes_used() -> dict[str, str]:
    """Every code in the source, with the file it is used in."""
    used: dict[str, str] = {}
    for path in sorted((ROOT / "src" / "modelport").rglob("*.py")):
        for code in codes_in(ast.parse(path.read_text())):
            if re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)*", code):
                used.setdefault(code, path.name)
    return used


def documented() -> dict[str, str]:
    return dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", DOCS.read_text(), re.MULTILINE))


def test_every_code_is_documented() -> None:
    used = codes_used()
    missing = {code: used[code] for code in sorted(set(used) - set(documented()))}
    assert not missing, "describe these in docs/reference/errors.md"


def test_no_code_is_documented_that_nothing_uses() -> None:
    assert not sorted(set(documented()) - set(codes_used()))


def test_the_codes_are_documented_in_order_and_each_once() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", DOCS.read_text(), re.MULTILINE)
    assert listed == sorted(set(listed))
