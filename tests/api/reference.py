"""Writes docs/reference/control-api.md of the table of operations: `python tests/api/reference.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from modelport.api.openapi import document
from modelport.api.operation import Noun, Operation
from modelport.api.routes import NOUNS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "control-api.md"
BEGIN = "<!-- from here on made of the routes -->"


def page(head: str) -> str:
    """The page: its written head, and what the table says."""
    return "\n".join(
        [head.partition(BEGIN)[0] + BEGIN, "", *(line for noun in NOUNS for line in _noun(noun))]
    )


def _noun(noun: Noun) -> Iterator[str]:
    yield f"## {noun.name.capitalize()}"
    yield ""
    yield "| route | does | who | query | body | answers |"
    yield "|---|---|---|---|---|---|"
    for operation in noun.operations:
        yield f"| {' | '.join(_cells(operation))} |"
    yield ""


def _cells(operation: Operation) -> Iterator[str]:
    yield f"`{operation.method} {operation.path}`"
    yield operation.summary.replace("|", "\\|")
    role, scope = operation.needs.role, operation.needs.scope
    whole = " of `default`" if operation.needs.whole else ""
    yield "everyone" if role is None else f"{role}{whole}{f', `{scope}`' if scope else ''}"
    yield ", ".join(f"`{field.encode_name}`" for field in _fields(operation.query))
    yield _shape(operation, "requestBody") if operation.body or operation.takes else ""
    yield f"{operation.status} {_shape(operation, 'responses')}".strip()


def _fields(query: type | None) -> tuple[msgspec.structs.FieldInfo, ...]:
    return () if query is None else msgspec.structs.fields(query)


def _shape(operation: Operation, part: str) -> str:
    described = document([operation])["paths"][operation.path][operation.method.lower()][part]
    content = (described if part == "requestBody" else described[str(operation.status)]).get("content", {})
    for kind, media in content.items():
        if kind != "application/json":
            return f"`{kind}`"
        return f"`{_word(media['schema'])}`"
    return ""


def _word(schema: dict[str, object]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2].removesuffix("_").replace("_", " of ", 1)
    if "anyOf" in schema:
        kinds = schema["anyOf"]
        assert isinstance(kinds, list)
        return " or ".join(_word(one) for one in kinds)
    if schema.get("type") == "array":
        items = schema.get("items")
        assert isinstance(items, dict)
        return f"list of {_word(items)}"
    return str(schema.get("type", "any"))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"{PAGE.name}\n")
