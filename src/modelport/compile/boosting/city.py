"""CityHash64 of version 1.0 (Pike and Alakuijala, 2010), by which CatBoost knows its categories.

All arithmetic is modulo 2^64.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_K0, _K1, _K2, _K3 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
_MUL = 0x9DDFEA08EB382D69


def city64(data: bytes) -> int:
    """The hash of `data`, unsigned."""
    if len(data) <= 16:
        return _to_16(data)
    if len(data) <= 32:
        return _to_32(data)
    return _to_64(data) if len(data) <= 64 else _long(data)


def _at(data: bytes, place: int, size: int = 8) -> int:
    """The little-endian number at `place`, counted from the end where negative."""
    start = place if place >= 0 else len(data) + place
    return int.from_bytes(data[start : start + size], "little")


def _turned(value: int, bits: int) -> int:
    value &= _MASK
    return (value >> bits | value << (64 - bits)) & _MASK


def _mixed(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _pair(low: int, high: int) -> int:
    """Two numbers into one."""
    first = _mixed((low ^ high) * _MUL)
    return _mixed((high ^ first) * _MUL) * _MUL & _MASK


def _to_16(data: bytes) -> int:
    size = len(data)
    if size > 8:
        end = _at(data, -8)
        return _pair(_at(data, 0), _turned(end + size, size)) ^ end
    if size >= 4:
        return _pair((_at(data, 0, 4) << 3) + size, _at(data, -4, 4))
    if size:
        head = data[0] + (data[size >> 1] << 8)
        tail = size + (data[-1] << 2)
        return _mixed(head * _K2 & _MASK ^ tail * _K3 & _MASK) * _K2 & _MASK
    return _K2


def _to_32(data: bytes) -> int:
    a, b = _at(data, 0) * _K1 & _MASK, _at(data, 8)
    c, d = _at(data, -8) * _K2 & _MASK, _at(data, -16) * _K0 & _MASK
    low = _turned(a - b, 43) + _turned(c, 30) + d
    return _pair(low & _MASK, a + _turned(b ^ _K3, 20) - c + len(data) & _MASK)


def _to_64(data: bytes) -> int:
    head = _quarter(_at(data, 0) + (len(data) + _at(data, -16)) * _K0, data[:32])
    tail = _quarter(_at(data, 16) + _at(data, -32), data[-32:])
    mixed = _mixed((head[0] + tail[1]) * _K2 + (tail[0] + head[1]) * _K0)
    return _mixed(mixed * _K0 + head[1]) * _K2 & _MASK


def _quarter(a: int, data: bytes) -> tuple[int, int]:
    z = _at(data, 24)
    b, c = _turned(a + z, 52), _turned(a, 37)
    a += _at(data, 8)
    c += _turned(a, 7)
    a += _at(data, 16)
    return a + z & _MASK, b + _turned(a, 31) + c & _MASK


def _long(data: bytes) -> int:
    size = len(data)
    x, y, z = _at(data, 0), _at(data, -16) ^ _K1, _at(data, -56) ^ _K0
    v = _weak(data, size - 64, size, y)
    w = _weak(data, size - 32, size * _K1, _K0)
    z += _mixed(v[1]) * _K1
    x, y = _turned(z + x, 39) * _K1, _turned(y, 33) * _K1
    for place in range(0, (size - 1) & ~63, 64):
        x = _turned(x + y + v[0] + _at(data, place + 16), 37) * _K1 & _MASK ^ w[1]
        y = _turned(y + v[1] + _at(data, place + 48), 42) * _K1 & _MASK ^ v[0]
        z = _turned(z ^ w[0], 33)
        v = _weak(data, place, v[1] * _K1, x + w[0])
        w = _weak(data, place + 32, z + w[1], y)
        z, x = x, z
    low = _pair(v[0], w[0]) + _mixed(y) * _K1 + z
    return _pair(low & _MASK, _pair(v[1], w[1]) + x & _MASK)


def _weak(data: bytes, place: int, a: int, b: int) -> tuple[int, int]:
    """32 bytes mixed into two numbers."""
    words = [_at(data, place + 8 * word) for word in range(4)]
    a += words[0]
    b = _turned(b + a + words[3], 21)
    first = a
    a += words[1] + words[2]
    b += _turned(a, 44)
    return a + words[3] & _MASK, b + first & _MASK
