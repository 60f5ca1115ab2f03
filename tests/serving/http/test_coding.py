"""Packed bodies are read within their limits, and answers are packed as the client likes."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.errors import BadRequest, ModelportError, TooLarge, UnsupportedMedia
from modelport.serving.http.coding import Coding, Inflater, choose, compress, decompress, request_coding


def bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zlib": zlib.compress, "bare": bare}
CODINGS: dict[str, Coding] = {"gzip": "gzip", "zlib": "deflate", "bare": "deflate"}
kinds = st.sampled_from(sorted(PACKERS))


@given(kinds, st.binary(max_size=300), st.lists(st.integers(1, 40)))
def test_a_body_unpacks_however_its_bytes_arrive(kind: str, body: bytes, sizes: list[int]) -> None:
    packed = PACKERS[kind](body)
    inflater = Inflater(CODINGS[kind], len(body))
    out = b""
    for size in [*sizes, len(packed)]:
        piece, packed = packed[:size], packed[size:]
        out += inflater.feed(piece) if piece else b""
    inflater.finish()
    assert out == body


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=3000))
def test_what_is_packed_for_sending_unpacks_again(coding: Coding, body: bytes) -> None:
    assert decompress(compress(body, coding), coding, len(body)) == body


@pytest.mark.parametrize("kind", PACKERS)
def test_one_byte_over_the_limit_is_too_large(kind: str) -> None:
    packed = PACKERS[kind](b"x" * 1001)
    with pytest.raises(TooLarge):
        decompress(packed, CODINGS[kind], 1000)
    assert len(decompress(packed, CODINGS[kind], 1001)) == 1001


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_costs_no_more_than_the_limit(kind: str) -> None:
    """64 MiB packed into 64 KiB."""
    bomb = PACKERS[kind](bytes(64 * 1024 * 1024))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decompress(bomb, CODINGS[kind], 1024 * 1024)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_in_small_pieces_stops_at_the_limit(kind: str) -> None:
    bomb = PACKERS[kind](bytes(4 * 1024 * 1024))
    inflater = Inflater(CODINGS[kind], 10_000)
    pieces = (bomb[start : start + 7] for start in range(0, len(bomb), 7))
    with pytest.raises(TooLarge):
        deque(map(inflater.feed, pieces), maxlen=0)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_body_cut_anywhere_is_refused(kind: str) -> None:
    packed = PACKERS[kind](b"hello " * 20)
    for cut in range(len(packed)):
        with pytest.raises(BadRequest) as caught:
            decompress(packed[:cut], CODINGS[kind], 1000)
        assert caught.value.code == "bad-coding"


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("tail", [b"x", b"\0", gzip.compress(b"second member", mtime=0)])
def test_anything_behind_the_end_is_refused(kind: str, tail: bytes) -> None:
    """Also a second gzip member: a body of empty members would cost much and bring nothing."""
    with pytest.raises(BadRequest) as caught:
        decompress(PACKERS[kind](b"hello") + tail, CODINGS[kind], 1000)
    assert caught.value.code == "bad-coding"


@pytest.mark.parametrize("kind", PACKERS)
def test_a_byte_that_comes_after_the_end_is_refused(kind: str) -> None:
    inflater = Inflater(CODINGS[kind], 1000)
    assert inflater.feed(PACKERS[kind](b"hello")) == b"hello"
    with pytest.raises(BadRequest):
        inflater.feed(b"x")


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=200))
def test_garbage_is_a_clean_error_or_nothing(coding: Coding, body: bytes) -> None:
    with suppress(BadRequest):
        assert len(decompress(body, coding, 10_000)) <= 10_000


@pytest.mark.parametrize("plain", [b'{"inputs": []}', b"\x80\x04N.", b"BZh9"])
def test_plain_data_under_a_gzip_header_is_refused(plain: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        decompress(plain, "gzip", 1000)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        ("gzip", "gzip"),
        ("X-GZip ", "gzip"),
        ("deflate", "deflate"),
        ("identity", None),
        ("", None),
    ],
)
def test_a_known_coding_is_read(field: str, coding: Coding | None) -> None:
    assert request_coding(field) == coding


@pytest.mark.parametrize(
    "field", ["br", "zstd", "gzip, gzip", ",".join(["gzip"] * 100), "identity, gzip", "gzip;q=1"]
)
def test_an_unknown_or_chained_coding_is_415_and_names_what_is_read(field: str) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        request_coding(field)
    error: ModelportError = caught.value
    assert (error.status, error.code) == (415, "unsupported-coding")
    assert "gzip, deflate" in error.hint
    assert field not in error.message


@pytest.mark.parametrize(
    ("field", "coding"),
    [
        (b"gzip", "gzip"),
        (b"deflate", "deflate"),
        (b"gzip, deflate, br", "gzip"),
        (b"deflate, gzip", "gzip"),
        (b"gzip;q=0.5, deflate;q=0.8", "deflate"),
        (b"gzip;q=0, deflate", "deflate"),
        (b"gzip;q=0", None),
        (b"*", "gzip"),
        (b"*;q=0.1, gzip;q=0", "deflate"),
        (b"*;q=0", None),
        (b"br", None),
        (b"identity", None),
        (b"identity;q=1, gzip;q=0.5", None),
        (b"identity;q=0.5, gzip;q=1.0", "gzip"),
        (b"GZIP ; q=1", "gzip"),
        (b"gzip;q=nan", None),
        (b"gzip;q=7", None),
        (b"gzip;level=9", None),
        (b"\xff\xfe;;q==,,", None),
        (b"", None),
    ],
)
def test_the_clients_weights_decide(field: bytes, coding: Coding | None) -> None:
    assert choose(field, 5000) == coding


@given(st.binary(max_size=60))
def test_no_field_breaks_the_choice(field: bytes) -> None:
    assert choose(field, 5000) in {"gzip", "deflate", None}


def test_short_answers_stay_plain() -> None:
    assert choose(b"gzip", 1023) is None
    assert choose(b"gzip", 1024) == "gzip"
