"""Files become items as the model takes them."""

from __future__ import annotations

import io

import pytest

from modelport.cli import rows
from modelport.errors import InvalidInput

OBJECT = rows.Taken("object", {"age": "number", "plan": "string", "vip": "boolean"})
TEXT = rows.Taken("text")


def read(text: str, form: str, taken: rows.Taken = OBJECT) -> list[object]:
    return list(rows.read(io.BytesIO(text.encode()), form, taken))


def test_cells_follow_the_models_types_and_empty_is_missing() -> None:
    """A code such as 007 stays text where the model takes text."""
    text = "\ufeffage,plan,vip,other\r\n41,007,true,1e3\r\n,,,x\r\n"
    assert read(text, "csv") == [
        {"age": 41, "plan": "007", "vip": True, "other": 1000.0},
        {"age": None, "plan": None, "vip": None, "other": "x"},
    ]


def test_what_is_no_number_is_left_for_the_server_to_name() -> None:
    assert read("age\nforty\n", "csv") == [{"age": "forty"}]


def test_tabs_and_quoted_line_ends_are_read() -> None:
    assert read('age\tplan\n1\t"a\nb"\n', "tsv") == [{"age": 1, "plan": "a\nb"}]


def test_a_short_row_misses_values() -> None:
    assert read("age,plan\n1\n", "csv") == [{"age": 1, "plan": None}]
    assert read("age\n", "csv") == []


def test_a_long_row_is_refused_alone_by_its_line() -> None:
    first, refused, last = read("age,plan\n1,a\n2,a,b\n3,c\n", "csv")
    assert (first, last) == ({"age": 1, "plan": "a"}, {"age": 3, "plan": "c"})
    assert isinstance(refused, rows.Unreadable)
    assert refused.error.message == "line 3 has more cells than the header"


def test_a_text_model_gets_strings() -> None:
    assert read("text,topic\nhello,x\n", "csv", TEXT) == ["hello"]
    assert read("message\nhello\n", "csv", TEXT) == ["hello"]
    with pytest.raises(InvalidInput, match="several columns"):
        read("a,b\n1,2\n", "csv", TEXT)


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_table_has_no_items(text: str) -> None:
    assert read(text, "csv") == []
    assert read(text, "csv", TEXT) == []


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[1, 2.5, null]", [[1, 2.5, None]]),
        ("[[1], [2]]", [[1], [2]]),
        ('["a", "b"]', ["a", "b"]),
        ('{"a": 1}', [{"a": 1}]),
        ('"hello"', ["hello"]),
        ("[]", []),
    ],
)
def test_a_list_of_numbers_is_one_item_and_other_lists_are_many(text: str, items: list[object]) -> None:
    assert read(text, "json") == items


def test_json_lines_skip_empty_lines_and_name_the_bad_one() -> None:
    assert read('{"a": 1}\n\n[1, 2]\n', "jsonl") == [{"a": 1}, [1, 2]]
    first, refused, last = read('{"a": 1}\n{"a"\n{"a": 3}\n', "jsonl")
    assert (first, last) == ({"a": 1}, {"a": 3})
    assert isinstance(refused, rows.Unreadable)
    assert refused.error.message.startswith("line 2 is not JSON")


def test_plain_text_is_an_item_a_line() -> None:
    assert read("one\ntwo\r\n", "text") == ["one", "two"]


@pytest.mark.parametrize(
    ("start", "form"), [(b"a,b\n1", "csv"), (b' {"a"', "jsonl"), (b"\xef\xbb\xbf[[1", "json"), (b"", "csv")]
)
def test_a_stream_tells_its_format_by_its_beginning(start: bytes, form: str) -> None:
    assert rows.sniff(start) == form


@pytest.mark.parametrize(("form", "data"), [("csv", b"a\n\xe9\n"), ("text", b"\xe9"), ("json", b'"\xe9"')])
def test_another_encoding_is_said_so(form: str, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        list(rows.read(io.BytesIO(data), form, OBJECT))


def test_an_unknown_suffix_is_said_so() -> None:
    assert rows.format_of(".CSV") == "csv"
    with pytest.raises(InvalidInput, match="xlsx"):
        rows.format_of(".xlsx")


def test_a_model_without_column_names_gets_lists() -> None:
    assert read("a,b\n1,\n2,x\n", "csv", rows.Taken("list")) == [[1, None], [2, "x"]]


@pytest.mark.parametrize(
    ("schema", "taken"),
    [
        ({"type": "string"}, TEXT),
        ({"type": "array", "items": {"type": "number"}}, rows.Taken("list")),
        (
            {
                "type": "object",
                "properties": {"age": {"type": ["number", "null"]}, "plan": {"type": "string"}},
            },
            rows.Taken("object", {"age": "number", "plan": "string"}),
        ),
        (
            {"anyOf": [{"type": "array"}, {"type": "object", "properties": {"age": {"type": "number"}}}]},
            rows.Taken("object", {"age": "number"}),
        ),
    ],
)
def test_what_an_item_is_comes_from_the_servers_own_schema(
    schema: dict[str, object], taken: rows.Taken
) -> None:
    assert rows.taken_by(schema) == taken


def test_a_picture_is_one_item() -> None:
    """By the name of its file; its bytes travel in base64."""
    assert rows.format_of(".JPG") == "image"
    assert list(rows.read(io.BytesIO(b"\xff\xd8\xff"), "image", rows.Taken())) == [{"b64": "/9j/"}]
