"""A token pattern that a text could keep busy is known by its form; those that people use are not refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelport.core.patterns.slow import slow

COMMON = [
    r"(?u)\b\w\w+\b",
    r"(?u)\b\w+\b",
    r"\w+",
    r"\w{3,}",
    r"\b[a-zA-Z]{2,30}\b",
    r"\S+",
    r"[^\W\d_]+",
    r"[a-z]+(?:-[a-z]+)*",
    r"\w+(?:['-]\w+)*",
    r"\b\w+(?:'\w+)?\b",
    r"\w+|[^\w\s]+",
    r"\w+|\$[\d.]+|\S+",
    r"#?\w+|@\w+|https?://\S+",
    r"\d+(?:[.,]\d+)*|\w+",
    r"[a-z]+[a-z0-9]*",
    r"(?:\w\.?)+",
    r"(?i)\b(?:[a-z]\.){2,}|\w+",
    r"\b\d{4}-\d{2}-\d{2}\b",
    r"[A-Z]{1,2}[A-Z0-9]{1,3}\b",
    r"(?<!\w)[A-Za-z]\w+(?!\w)",
    r"\b(\w+)\b",
    r"[\u4e00-\u9fff]|[a-zA-Z]+",
    r"(?a:\w+)|(?i:x)\d*?y",
    r"(?>[a-z]++)-",
    "|".join(f"word{number}" for number in range(40)),
]


@pytest.mark.parametrize("pattern", COMMON)
def test_a_common_pattern_is_no_slow_one(pattern: str) -> None:
    assert slow(pattern) == ""


BUSY = [
    (r"(a+)+$", "a"),
    (r"(?:a*)*b", "a"),
    (r"(?:a|a)*b", "a"),
    (r"(?:a|ab?)+c", "a"),
    (r"(?:\w|\d\.?)+\b@", "1"),
    (r"(?:\w+\.?)+@", "a"),
    (r"(?:a?b?)*c", "ab"),
    (r"(?i:(?:ab|A|B)+c)", "ab"),
    (r"(?:[a-z]+ ?)+\d", "a"),
    (r"(?:\w{1,3}-?)+\b!", "a"),
    (r"(?:-\w*\w*)+!", "-a"),
    (r"(?:[\u0400-\u04ff]|яб?)+!", "я"),
    (r"(?:(?:a*)?b)*c", "b"),
    (r"\w*\w*\w*@", "a"),
    (r".*-.*-.*!", "-"),
    (r"\w+\d+\b", "1"),
]


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in BUSY])
def test_a_pattern_that_divides_a_text_in_many_ways_is_slow(pattern: str) -> None:
    assert slow(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(\w)\1+", "back"),
        (r"(?=.*\d)\w+", "ahead"),
        (r"(?:a*|b*)c", "empty"),
        (r"(?:\w{1,16}){1,16}(?:\w{1,16}){1,16}", "long"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    assert reason in slow(pattern)


def test_what_is_no_pattern_raises() -> None:
    with pytest.raises(re.error):
        slow("(")


# -- against an oracle that counts what backtracking tries ---------------------------------------------------

Node = tuple[Any, ...]
"""`("atom", text)`, `("both", one, other)`, `("either", one, other)` or `("repeat", node, least, most)`."""

_ENDLESS = 1000
ATOMS = ["a", "b", "[ab]", "[^a]", "."]


def written(node: Node) -> str:
    match node:
        case ("atom", text):
            return str(text)
        case ("both", one, other):
            return f"{written(one)}{written(other)}"
        case ("either", one, other):
            return f"(?:{written(one)}|{written(other)})"
    _, inner, least, most = node
    return f"(?:{written(inner)}){{{least},{'' if most == _ENDLESS else most}}}"


def simplified(node: Node) -> Node:
    """The node as `re` compiles it: a choice between single characters becomes one set of them."""
    match node:
        case ("either", one, other):
            one, other = simplified(one), simplified(other)
            if one[0] == other[0] == "atom" and not {one[1], other[1]} & {".", "[^a]"}:
                return ("atom", f"(?:{one[1]}|{other[1]})")
            return ("either", one, other)
        case ("both", one, other):
            return ("both", simplified(one), simplified(other))
        case ("repeat", inner, least, most):
            return ("repeat", simplified(inner), least, most)
    return node


class Backtracking:
    """Tries a pattern at the start of a text in every way there is, and counts the characters it looks at."""

    def __init__(self, text: str, most: int) -> None:
        self.text, self.most, self.looks = text, most, 0

    def fails(self, node: Node) -> None:
        self._go(simplified(node), 0, lambda _: None)

    def _go(self, node: Node, at: int, then: Callable[[int], None]) -> None:
        match node:
            case ("atom", pattern):
                self.looks += 1
                if self.looks > self.most:
                    raise OverflowError
                if at < len(self.text) and re.fullmatch(pattern, self.text[at]):
                    then(at + 1)
            case ("both", one, other):
                self._go(one, at, lambda end: self._go(other, end, then))
            case ("either", one, other):
                self._go(one, at, then)
                self._go(other, at, then)
            case ("repeat", inner, least, most):
                fewer = ("repeat", inner, max(least - 1, 0), most if most == _ENDLESS else most - 1)
                if most:
                    self._go(inner, at, lambda end: self._go(fewer, end, then))
                if not least:
                    then(at)


def _grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    counts = st.sampled_from([(0, _ENDLESS), (1, _ENDLESS), (0, 1), (1, 2)])
    return st.one_of(
        st.tuples(st.just("both"), inner, inner),
        st.tuples(st.just("either"), inner, inner),
        st.tuples(inner, counts).map(lambda pair: ("repeat", pair[0], *pair[1])),
    )


nodes = st.recursive(st.tuples(st.just("atom"), st.sampled_from(ATOMS)), _grown, max_leaves=6)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(nodes, st.text("ab", min_size=1, max_size=2))
def test_what_an_accepted_pattern_tries_grows_with_the_length_of_the_text(node: Node, unit: str) -> None:
    """From one place in the text; a search starts at every place, which makes it the square."""
    assume(not slow(f"{written(node)}!"))
    short = Backtracking(unit * 12, 100_000)
    short.fails(node)
    Backtracking(unit * 24, 3 * short.looks + 300).fails(node)


def test_the_oracle_tells_a_slow_pattern() -> None:
    twice: Node = ("repeat", ("repeat", ("atom", "a"), 1, _ENDLESS), 1, _ENDLESS)
    counted = Backtracking("a" * 10, 100_000)
    counted.fails(twice)
    assert counted.looks > 1 << 10
