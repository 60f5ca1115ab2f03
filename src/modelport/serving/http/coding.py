"""Content codings of bodies: gzip and deflate, in and out.

A body is unpacked as it arrives and never beyond its limit, so a small bomb costs a small amount. `deflate`
means the zlib format (RFC 9110, 8.4.1.2), but clients send the bare stream too: both are read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Literal, cast

from modelport.errors import BadRequest, TooLarge, UnsupportedMedia

Coding = Literal["gzip", "deflate"]

ACCEPTED = "gzip, deflate"
"""Value of the Accept-Encoding field that goes with a 415 for an unknown coding."""
WORTHWHILE = 1024
"""Shorter bodies are sent as they are."""
LEVEL = 1
"""Fastest: numbers compress little, and the event loop waits for it."""

_GZIP, _ZLIB, _BARE = 31, 15, -15
_NAMES: dict[str, Coding | None] = {
    "": None, "identity": None, "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"
}  # fmt: skip


class Inflater:
    """Unpacks one body, piece by piece.

    Args:
        coding: how it is packed.
        limit: most bytes that may come out of it.
    """

    def __init__(self, coding: Coding, limit: int) -> None:
        self._coding = coding
        self._limit = limit
        self._held = b""
        self._inflate = zlib.decompressobj(_GZIP) if coding == "gzip" else None

    def feed(self, data: bytes) -> bytes:
        """What these bytes unpack to.

        Raises:
            TooLarge: more comes out than the limit allows.
            BadRequest: the bytes are not of this coding, or go on behind its end.
        """
        inflate = self._inflate or self._deflate_kind(data)
        if inflate is None:
            return b""
        if self._inflate is None:
            self._inflate, data = inflate, self._held
        out = self._unpack(inflate, data)
        if inflate.unused_data:
            msg = f"the {self._coding} body goes on behind its end"
            raise BadRequest(msg, code="bad-coding", hint="send one compressed stream and nothing behind it")
        return out

    def finish(self) -> None:
        """Say that nothing more comes; raises `BadRequest` when the stream is not at its end."""
        if self._inflate is None or not self._inflate.eof:
            msg = f"the {self._coding} body ends too early"
            raise BadRequest(msg, code="bad-coding", hint="send the whole compressed stream")

    def _deflate_kind(self, data: bytes) -> zlib._Decompress | None:
        """A deflate stream shows with its first two bytes whether it has a zlib header."""
        self._held += data
        if len(self._held) < 2:
            return None
        return zlib.decompressobj(_ZLIB if _has_zlib_header(self._held) else _BARE)

    def _unpack(self, inflate: zlib._Decompress, data: bytes) -> bytes:
        try:
            out = inflate.decompress(data, self._limit + 1)
        except zlib.error as error:
            msg = f"the body is not {self._coding}"
            raise BadRequest(msg, code="bad-coding", hint="check Content-Encoding") from error
        self._limit -= len(out)
        if self._limit < 0:
            msg = "the body unpacks to more than is allowed"
            raise TooLarge(msg, hint="send fewer rows in one request")
        return out


def request_coding(field: str) -> Coding | None:
    """The coding a Content-Encoding field names, None for plain; raises `UnsupportedMedia`."""
    name = field.strip().lower()
    if name in _NAMES:
        return _NAMES[name]
    msg = "chained content codings are not read" if "," in name else "unknown content coding"
    raise UnsupportedMedia(msg, code="unsupported-coding", hint=f"use one of {ACCEPTED}, or none")


def decompress(body: bytes, coding: Coding, limit: int) -> bytes:
    """A whole body unpacked; raises as `Inflater` does."""
    inflater = Inflater(coding, limit)
    out = inflater.feed(body)
    inflater.finish()
    return out


def choose(accept_encoding: bytes, length: int) -> Coding | None:
    """The coding for an answer of `length` bytes; None sends it plain.

    The client's highest weight wins, gzip where two are equal. A field that cannot be read asks for nothing.
    """
    if length < WORTHWHILE or not accept_encoding:
        return None
    weights = dict(_weights(accept_encoding.decode("latin-1").lower()))
    other = weights.get("*", 0.0)
    offers = {name: weights.get(name, other) for name in ("gzip", "deflate")}
    best = max(offers, key=lambda name: offers[name])
    plain = weights.get("identity", 0.0)
    return cast("Coding", best) if offers[best] > 0 and offers[best] >= plain else None


def compress(body: bytes, coding: Coding) -> bytes:
    """A body packed for sending."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP if coding == "gzip" else _ZLIB)
    return packer.compress(body) + packer.flush()


def _weights(field: str) -> Iterator[tuple[str, float]]:
    """Codings with their q-values; members that make no sense weigh nothing."""
    for member in field.split(","):
        name, _, parameter = member.partition(";")
        yield name.strip(), _weight(parameter.strip())


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    key, _, text = parameter.partition("=")
    try:
        value = float(text) if key.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


def _has_zlib_header(data: bytes) -> bool:
    return data[0] & 0x0F == 8 and data[0] >> 4 <= 7 and (data[0] << 8 | data[1]) % 31 == 0
