"""What the published schema accepts the reader accepts, up to what only the registry or sums can tell."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.control.documents.registered import CHURN

from modelport.control.documents import read, resolve, schema
from modelport.control.documents.changes import printed
from modelport.control.documents.reading import Format
from modelport.errors import BadRequest, ModelportError

EXAMPLES = sorted(
    path for path in (Path(__file__).parents[3] / "examples").iterdir() if path.suffix in {".json", ".yaml"}
)
VALIDATOR = Draft202012Validator(schema())
FORMATS: tuple[Format, ...] = ("yaml", "json")
FORMS: dict[str, Any] = schema()["$defs"]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10_001),
    st.sampled_from([0.2, 0.8, 1.0, 1.5, 10.0, 100.0, -1.0]),
    st.sampled_from(
        ["< 1%", ">= 90%", "200ms", "10m", "24h", "1%", "5", "x", "", "v1", "2.1.0", "churn", "> 0.9"]
    ),
)


def values(form: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that mostly look like what a part of the schema takes."""
    if "$ref" in form:
        return objects(FORMS[form["$ref"].rpartition("/")[2]], depth + 1)
    if "anyOf" in form:
        return st.one_of(*(values(each, depth) for each in form["anyOf"]), scalars)
    if form.get("type") == "array":
        return st.lists(values(form.get("items", {}), depth + 1), max_size=3)
    if form.get("type") == "object":
        return st.dictionaries(
            st.sampled_from(["v1", "model_v2", "3", "age"]),
            values(form.get("additionalProperties", {})),
            max_size=3,
        )
    near = [st.sampled_from(form["enum"])] if "enum" in form else []
    near += [st.sampled_from(form["examples"])] if "examples" in form else []
    return st.one_of(*near, scalars)


def objects(form: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Objects with keys of a form, now and then with one that is no key of it."""
    keys = {name: values(each, depth) for name, each in form["properties"].items()}
    required = {name: keys.pop(name) for name in form.get("required", [])}
    stranger = st.dictionaries(st.sampled_from(["steps", "share", "nmae"]), scalars, max_size=1)
    known = st.fixed_dictionaries(required, optional=keys)
    return st.one_of(known, known, known, st.tuples(known, stranger).map(lambda both: {**both[1], **both[0]}))


documents = objects(FORMS["FileForm"])


def accepts(document: Any, written: Format) -> bool:
    text = json.dumps(document) if written == "json" else yaml.safe_dump(document, sort_keys=False)
    try:
        read(text, written)
    except BadRequest:
        return False
    return True


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_schema_accepts_the_examples(path: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


def test_every_key_of_the_schema_says_what_it_means() -> None:
    silent = [
        f"{name}.{key}"
        for name, form in FORMS.items()
        for key, value in form["properties"].items()
        if not value.get("description")
    ]
    assert silent == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_the_reader_accepts_what_the_schema_accepts(document: Any) -> None:
    valid = VALIDATOR.is_valid(document)
    assert accepts(document, "json") == valid
    assert accepts(document, "yaml") == valid


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents)
def test_what_is_printed_comes_to_the_same_when_it_is_read_again(document: Any) -> None:
    try:
        asked = resolve(read(json.dumps(document), "json"), CHURN, model="churn")
    except ModelportError:
        return
    for each in asked:
        again = {each.kind: msgspec.to_builtins(printed(each.name, each.resolved))}
        assert resolve(read(json.dumps(again), "json"), CHURN)[0].resolved == each.resolved


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(),
        st.text(st.sampled_from("{}[],:-&*!|>'\"# \n\tab01.%?@`~\\u")),
        st.binary().map(lambda raw: raw.decode("latin-1")),
    )
)
def test_any_text_is_read_or_refused_in_our_words(text: str) -> None:
    for written in FORMATS:
        with suppress(ModelportError):
            read(text, written)
