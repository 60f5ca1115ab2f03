"""MurmurHash3 (x86, 32 bits, seed 0) as the hashing vectorizer uses it; many terms at once.

Austin Appleby's public-domain algorithm. The blocks of all terms are mixed side by side: one numpy
operation serves every term still long enough to have that block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

_C1 = np.uint32(0xCC9E2D51)
_C2 = np.uint32(0x1B873593)
_FIVE = np.uint32(5)
_ADD = np.uint32(0xE6546B64)
_MIX1 = np.uint32(0x85EBCA6B)
_MIX2 = np.uint32(0xC2B2AE35)
_TAIL_MASKS = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF], dtype=np.uint32)


def murmurhash3_32(terms: Sequence[bytes]) -> npt.NDArray[np.int32]:
    """Signed 32-bit hashes of `terms`, seed 0, in order."""
    lengths = np.fromiter(map(len, terms), np.int64, len(terms))
    order = np.argsort(-lengths, kind="stable")
    mixed = _mix([terms[place] for place in order.tolist()], lengths[order])
    hashes = np.empty(len(terms), np.uint32)
    hashes[order] = mixed
    return hashes.view(np.int32)


def _mix(terms: list[bytes], lengths: npt.NDArray[np.int64]) -> Words:
    """Hashes of `terms`, which come longest first, so that those with a block are always a prefix."""
    state = np.zeros(len(terms), np.uint32)
    if not terms:
        return state
    starts, words = _layout(terms, lengths)
    blocks = lengths >> 2
    for block in range(int(blocks[0])):
        alive = int(np.searchsorted(-blocks, -block, side="left"))
        head = state[:alive]
        head ^= _scrambled(words[starts[:alive] + block])
        head[:] = _rotated(head, 13) * _FIVE + _ADD
    state ^= _scrambled(words[starts + blocks] & _TAIL_MASKS[lengths & 3])
    return _finished(state ^ lengths.astype(np.uint32))


def _layout(terms: list[bytes], lengths: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Words]:
    """All terms in one array of little-endian words, each padded with at least one zero byte."""
    sizes = (lengths >> 2) + 1
    starts = np.cumsum(sizes) - sizes
    text = b"".join([term.ljust(size, b"\0") for term, size in zip(terms, (sizes * 4).tolist(), strict=True)])
    return starts, np.frombuffer(text, "<u4").astype(np.uint32, copy=False)


def _scrambled(words: Words) -> Words:
    return _rotated(words * _C1, 15) * _C2


def _rotated(words: Words, bits: int) -> Words:
    return (words << np.uint32(bits)) | (words >> np.uint32(32 - bits))


def _finished(state: Words) -> Words:
    state ^= state >> np.uint32(16)
    state *= _MIX1
    state ^= state >> np.uint32(13)
    state *= _MIX2
    state ^= state >> np.uint32(16)
    return state
