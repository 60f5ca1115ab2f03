"""JSON in, strictly: what msgspec lets pass in silence is looked for here.

msgspec refuses NaN tokens, bad UTF-8, lone surrogates and wrong types by itself. It keeps the last of two
equal keys, as most parsers do; a request that says two different things is refused here instead.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from modelport.errors import BadRequest

T = TypeVar("T")
DEPTH = 64


def decode(decoder: msgspec.json.Decoder[T], body: bytes | memoryview | msgspec.Raw) -> T:
    """Decode, or raise `BadRequest` saying what is wrong and where."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise too_deep(body) or _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise too_deep(body) or BadRequest(f"not JSON: {error}", code="malformed-json") from None
    except RecursionError:
        raise too_deep(body) or BadRequest("JSON nested too deeply", code="json-too-deep") from None


def check_keys(body: bytes, keys: int) -> None:
    """Refuse a document with two equal keys in one object, knowing how many `keys` were decoded from it.

    A document with as many colons as decoded keys has no room for another one; only when the counts differ
    (a colon inside a string, a field we ignore) it is parsed again, slowly, to look.
    """
    if body.count(b":") != keys:
        try:
            json.loads(body, object_pairs_hook=_unique)
        except BadRequest:
            raise
        except (ValueError, RecursionError) as error:
            msg = f"not JSON: {error}"
            raise BadRequest(msg, code="malformed-json") from None


def too_deep(body: bytes | memoryview | msgspec.Raw) -> BadRequest | None:
    """A `json-too-deep` error when brackets outside strings nest beyond `DEPTH`, else None.

    Walks the whole document: for error paths.
    """
    depth, inside, escaped = 0, False, False
    for byte in bytes(body)[:1_000_000]:
        if inside:
            escaped, inside = (byte == 0x5C and not escaped), byte != 0x22 or escaped
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            depth += 1
            if depth > DEPTH:
                return BadRequest(f"JSON nests deeper than {DEPTH}", code="json-too-deep")
        elif byte in b"]}":
            depth -= 1
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        msg = f"the key {twice[:100]!r} is there twice"
        raise BadRequest(msg, code="duplicate-key")
    return found


def _invalid(error: msgspec.ValidationError) -> BadRequest:
    text, _, place = str(error).partition(" - at `")
    return BadRequest(text, code="invalid-document", pointer=_pointer(place.rstrip("`")))


def _pointer(path: str) -> str:
    """msgspec's `$.inputs[0].name` as a JSON pointer (RFC 6901)."""
    return path.removeprefix("$").replace("[", "/").replace("]", "").replace(".", "/")
