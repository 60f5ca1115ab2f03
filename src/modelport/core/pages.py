"""Long lists, a page at a time, by keyset: a page begins after the last thing of the one before.

So pages neither skip nor repeat what is there throughout, whatever is added or removed meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import types
from typing import Any, Generic, TypeVar

import msgspec

from modelport.core.ready import ready
from modelport.errors import BadRequest

T = TypeVar("T")

USUAL = 50
"""How many things a page holds unless it is said."""
MOST = 500


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some things of a list, and the cursor of the page after it; None at the end."""

    items: tuple[T, ...]
    next: str | None = None


def cursor(*place: str | float) -> str:
    """What stands for a place in a list: the sort keys of the last thing before it. Opaque to callers."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place(text: str, *kinds: type) -> tuple[Any, ...]:
    """The sort keys of a cursor, of these `kinds` (without any, whatever they are).

    Raises `BadRequest` (`bad-cursor`) for one that we did not make, or made for another list.
    """
    form: Any = types.GenericAlias(tuple, kinds or (str | float, ...))
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return tuple(msgspec.json.decode(raw, type=ready(form)))
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        msg = "this cursor is none of this list"
        raise BadRequest(msg, code="bad-cursor", hint="take `next` of a page as it is") from error
