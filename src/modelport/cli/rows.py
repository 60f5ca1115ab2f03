"""Read items from files as people have them: CSV, JSON, JSON Lines, plain text, row by row; one picture."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, cast

import msgspec

from modelport.errors import InvalidInput

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp"), "image"),
}
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Taken:
    """What one item of a model is.

    Attributes:
        kind: a string, a list of values, or an object of columns.
        types: JSON types of the columns by name; a column that is not in it is read by how it looks.
    """

    kind: Literal["text", "list", "object"] = "object"
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in the place of a row that cannot be read; the rows after it can."""

    error: InvalidInput


def taken_by(schema: Mapping[str, Any]) -> Taken:
    """What the JSON Schema of an item says; of two ways to write it, the object of named columns."""
    ways = schema.get("anyOf", [schema])
    for way in ways:
        if "properties" in way:
            return Taken("object", {name: _type(value) for name, value in way["properties"].items()})
    return Taken("text" if _type(ways[0]) == "string" else "list")


def format_of(suffix: str) -> str:
    """The format that a file's suffix names; raises `InvalidInput`."""
    found = FORMATS.get(suffix.lower())
    if found is None:
        msg = f"cannot tell the format of a {suffix or 'nameless'} file"
        raise InvalidInput(msg, hint=f"use {', '.join(FORMATS)}, or name it with --format")
    return found


def sniff(start: bytes) -> str:
    """The format of a stream by how it begins: JSON (Lines) or CSV."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith((b"{", b"[")):
        return "csv"
    return "json" if text.startswith(b"[") else "jsonl"


def read(stream: BinaryIO, form: str, taken: Taken) -> Iterator[object]:
    """Items of a stream; a cell of a table becomes a number only where the model takes one.

    A row that cannot be read is `Unreadable`. Raises `InvalidInput` where nothing can be read from there on.
    """
    try:
        yield from _items(stream, form, taken)
    except UnicodeDecodeError as error:
        msg = f"the rows are not UTF-8: {error.reason} at byte {error.start}"
        raise InvalidInput(msg, hint="convert the file, as with iconv -f latin1 -t utf-8") from error
    except csv.Error as error:
        msg = f"the rows are not CSV: {error}"
        raise InvalidInput(msg) from error


def _items(stream: BinaryIO, form: str, taken: Taken) -> Iterator[object]:
    match form:
        case "csv" | "tsv":
            return _table(stream, "\t" if form == "tsv" else ",", taken)
        case "jsonl":
            return _lines(stream)
        case "json":
            return _document(stream)
        case "image":
            return iter([{"b64": base64.b64encode(stream.read()).decode("ascii")}])
        case "text":
            return (line.rstrip("\r\n") for line in _decoded(stream))
        case _:
            msg = f"{form!r} is not a format"
            raise InvalidInput(msg, hint="csv, tsv, json, jsonl, text or image")


def cell(text: str | None, kind: str | None) -> object:
    """A cell as a JSON type; empty is missing. What does not fit stays text: the server names it."""
    if text is None or text == "":
        return None
    if kind == "string":
        return text
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    return _number(text)


def _table(stream: BinaryIO, delimiter: str, taken: Taken) -> Iterator[object]:
    reader = csv.DictReader(_decoded(stream, newline=""), delimiter=delimiter, restkey="")
    names = list(reader.fieldnames or [])
    make = _maker(taken, names)
    for row in reader:
        if "" in row and isinstance(row[""], list):
            msg = f"line {reader.line_num} has more cells than the header"
            yield Unreadable(InvalidInput(msg, hint="quote cells that hold the delimiter"))
        else:
            yield make(row)


def _maker(taken: Taken, names: list[str]) -> Callable[[Mapping[str, str]], object]:
    """How a row of a table with these columns becomes an item."""
    match taken.kind:
        case "text":
            return _as_text(names)
        case "list":
            return lambda row: [cell(text, "number") for text in row.values()]
        case "object":
            return lambda row: {name: cell(text, taken.types.get(name)) for name, text in row.items()}


def _as_text(names: list[str]) -> Callable[[Mapping[str, str]], object]:
    name = "text" if "text" in names else next(iter(names), "text")
    if len(names) > 1 and name != "text":
        msg = "this model takes one text, the file has several columns"
        raise InvalidInput(msg, hint="name the column with the text `text`")
    return lambda row: row[name] or ""


def _lines(stream: BinaryIO) -> Iterator[object]:
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield _readable(line, number)


def _readable(line: bytes, number: int) -> object:
    try:
        return _json(line, f"line {number}")
    except InvalidInput as error:
        return Unreadable(error)


def _document(stream: BinaryIO) -> Iterator[object]:
    """A list of numbers is one item; any other list is a list of items, also one without any."""
    found = _json(stream.read(), "the document")
    several = isinstance(found, list) and not (found and all(map(_is_number, found)))
    yield from cast("list[object]", found) if several else [found]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | None)


def _json(text: bytes, place: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"{place} is not JSON: {error}"
        raise InvalidInput(msg) from error


def _decoded(stream: BinaryIO, newline: str | None = None) -> Iterator[str]:
    """Lines of a stream, which is left open: it is not ours."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline=newline)
    try:
        yield from text
    finally:
        if not stream.closed:
            text.detach()


def _type(schema: Mapping[str, Any]) -> str:
    """The one type that is not null."""
    kinds = schema.get("type", "")
    return str(kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null"))


def _number(text: str) -> object:
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        return float(text)
    return text
