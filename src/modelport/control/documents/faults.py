"""What is wrong with a document, where, and the error that says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec

from modelport.control.documents.nodes import Place
from modelport.errors import BadRequest, InvalidInput

_SHOWN = 20


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        at: where in the text; None for what the text does not say.
        pointer: JSON pointer to it in its document.
        message: what is wrong, and what would be right.
        code: of the error that says it; empty for `document-invalid`.
    """

    at: Place | None
    pointer: str
    message: str
    code: str = ""

    def __str__(self) -> str:
        return f"{self.at}: {self.message}" if self.at else self.message


def syntax(at: Place, message: str) -> BadRequest:
    """The text cannot be read at all."""
    error = BadRequest(
        f"{at}: {message}", code="document-syntax", hint="mend the text there and apply it again"
    )
    error.faults = (("", f"{at}: {message}"),)
    return error


def refused(faults: Sequence[Fault]) -> InvalidInput:
    """The text was read, and some of it is wrong: every fault at once, in the order of the text."""
    ordered = sorted(faults, key=lambda fault: fault.at or Place(0, 0))
    first = ordered[0]
    left = len(ordered) - _SHOWN
    lines = [str(fault) for fault in ordered[:_SHOWN]] + ([f"and {left} more"] if left > 0 else [])
    hint = "docs/reference/documents.md lists every key; modelport schema lets an editor complete them"
    error = InvalidInput("\n".join(lines), code="document-invalid", hint=hint, pointer=first.pointer)
    error.code = first.code or error.code
    error.faults = tuple((fault.pointer, str(fault)) for fault in ordered[:_SHOWN])
    return error


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'steps'?` when something there is like the word, else nothing."""
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(words: Iterable[str], most: int = 20) -> str:
    """Words one after the other, no more than `most` of them; `none` where there is none."""
    there = list(words)
    more = f" and {len(there) - most} more" if len(there) > most else ""
    return ", ".join(there[:most]) + more if there else "none"
