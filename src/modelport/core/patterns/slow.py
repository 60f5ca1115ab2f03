"""Whether a text could keep a pattern busy: judged before any text is seen.

Python's `re` tries one way through a pattern after the other. A pattern with two loops that a text can be
divided between in many ways takes time with the cube of the text's length, or twice as much for every
character more. Without such loops no search takes longer than the square of the length, which `max_length`
bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from modelport.core.patterns.positions import Automaton, TooMuch, automaton

_MOST_STEPS = 100_000

Triple = tuple[int, int, int]


def slow(pattern: str, flags: int = 0, *, whole: bool = False) -> str:
    """Why some text could keep `pattern` busy; empty where none can.

    `flags` are those it is compiled with; with `whole` all of a text must match, not a part of it. Raises
    `re.error` for what is no regular expression.
    """
    try:
        found = automaton(pattern, flags)
        # A match of the whole fails where the text goes on: as with an assertion, everything is tried again.
        _check(replace(found, asserts=found.asserts or whole))
    except TooMuch as reason:
        return str(reason)
    return ""


def _check(found: Automaton) -> None:
    """Raise `TooMuch` when two places, in loops, can divide the same text in as many ways as it is long.

    That is so when for two places p and q one text leads from p to p, from p to q and from q to q (Weber and
    Seidl, 1991). It does no harm where a match may end at q whatever follows: nothing is tried again then.
    """
    reach = _reach(found)
    looping = [place for place in range(len(found.follow)) if place in reach[place]]
    budget = _MOST_STEPS
    for p, q in product(looping, looping):
        harmless = q in found.last and not found.asserts
        if p != q and q in reach[p] and not harmless:
            budget = _divide(found, p, q, budget)


def _divide(found: Automaton, p: int, q: int, budget: int) -> int:
    """Look for a text that leads p to p, p to q and q to q; answers what is left of the budget of steps."""
    seen: set[Triple] = set()
    waiting: list[Triple] = [(p, p, q)]
    while waiting:
        for step in _steps(found, waiting.pop()):
            budget -= 1
            if step == (p, q, q) or budget < 0:
                msg = "two of its repeats can share the same characters in many ways"
                raise TooMuch(msg)
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return budget


def _steps(found: Automaton, places: Triple) -> Iterator[Triple]:
    """Where three walks may go next with one and the same character."""
    letters, (one, two, three) = found.letters, (found.follow[place] for place in places)
    for first, second in product(one, two):
        both = letters[first] & letters[second]
        if both:
            yield from ((first, second, third) for third in three if both & letters[third])


def _reach(found: Automaton) -> list[set[int]]:
    """For every place, those that can come after it."""
    reach: list[set[int]] = []
    for place in range(len(found.follow)):
        seen: set[int] = set()
        waiting = list(found.follow[place])
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting.extend(found.follow[here])
        reach.append(seen)
    return reach
