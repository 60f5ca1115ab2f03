"""Names and references people type."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.names import ModelRef, check_name, parse_ref
from modelport.errors import NameInvalid

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,40}[A-Za-z0-9])?", fullmatch=True)
REFS = st.one_of(
    NAMES.map(ModelRef),
    st.builds(ModelRef, NAMES, version=st.integers(1, 999_999_999)),
    st.builds(ModelRef, NAMES, alias=NAMES),
    st.builds(ModelRef, NAMES, digest=st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)),
)


@given(REFS)
def test_what_a_reference_says_is_what_is_read(ref: ModelRef) -> None:
    assert parse_ref(str(ref)) == ref


@given(st.text())
def test_an_accepted_name_is_harmless_wherever_it_stands(text: str) -> None:
    try:
        name = check_name(text)
    except NameInvalid:
        return
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name)
    assert ".." not in name
    assert name[0].isalnum()
    assert name[-1].isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a..b",
        "-a",
        "a-",
        "a/b",
        "a b",
        "a\n",
        "é",
        "a" * 101,
        "a:0",
        "a:01",
        "a:x",
        "a:",
        "a@",
        "a:1@b",
        "a@b:1",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(NameInvalid):
        parse_ref(text)
