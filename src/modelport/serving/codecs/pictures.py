"""Pictures out of requests: `{"b64": …}` on the native routes, BYTES tensors over Open Inference V2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import numpy as np

from modelport.core.signature import Signature
from modelport.errors import BadRequest, InvalidInput, ModelportError, TooLarge
from modelport.runtimes.batch import Array, Batch
from modelport.serving.codecs.items import Decoded, none_valid
from modelport.serving.codecs.json import decode

MOST = 256
"""Pictures in one request: a small file may become a large tensor, which waits for its turn."""


class _Picture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    b64: str


T = TypeVar("T")

_ONE = msgspec.json.Decoder(_Picture)
_MANY = msgspec.json.Decoder(list[_Picture])
_RAW = msgspec.json.Decoder(list[msgspec.Raw])


class Pictures:
    """Decodes the items of one slot whose item is `image`: base64 only, the picture itself is read later."""

    def __init__(self, signature: Signature) -> None:
        self._name = signature.inputs[0].name

    def decode(self, raw: msgspec.Raw) -> Decoded:
        """Read `input`; raises `BadRequest` when it is not JSON, `InvalidInput` when no item is valid."""
        if bytes(memoryview(raw)[:256]).lstrip()[:1] != b"[":
            return self._decoded([_picture(raw)], single=True)
        try:
            pictures = [unpacked(item.b64) for item in _at_most(decode(_MANY, raw))]
        except TooLarge:
            raise
        except ModelportError:
            return self._each(_at_most(decode(_RAW, raw)))
        return self._decoded(pictures, single=False)

    def _each(self, items: Sequence[msgspec.Raw]) -> Decoded:
        """Every item by itself, so that a bad one fails alone."""
        good: list[bytes] = []
        errors: dict[int, ModelportError] = {}
        for index, item in enumerate(items):
            try:
                good.append(_picture(item))
            except ModelportError as error:
                errors[index] = error
        if not good:
            raise none_valid(errors)
        return Decoded(self._batch(good), single=False, total=len(items), errors=errors)

    def _decoded(self, pictures: list[bytes], *, single: bool) -> Decoded:
        if not pictures:
            raise none_valid({})
        return Decoded(self._batch(pictures), single, len(pictures), keys=len(pictures))

    def _batch(self, pictures: Sequence[bytes]) -> Batch:
        return Batch(len(pictures), {self._name: _objects(pictures)})


def _objects(pictures: Sequence[bytes]) -> Array:
    array = np.empty(len(pictures), object)
    array[:] = pictures
    return array


def unpacked(text: str, pointer: str = "/input/b64") -> bytes:
    """The bytes that base64 holds. Raises `InvalidInput` (`bad-base64`)."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        msg = "b64 is not base64"
        raise InvalidInput(msg, code="bad-base64", pointer=pointer) from None


def of_tensor(values: Array) -> Array:
    """The pictures of a V2 tensor: bytes where it was binary, base64 where it was JSON.

    Raises `InvalidInput` (`bad-base64`), `TooLarge` (`too-many-rows`).
    """
    return _objects([_bytes(value) for value in _at_most(values.reshape(-1).tolist())]).reshape(values.shape)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else unpacked(str(value), "/inputs/0/data")


def _picture(raw: msgspec.Raw) -> bytes:
    try:
        return unpacked(decode(_ONE, raw).b64)
    except BadRequest as error:
        if error.code != "invalid-document":
            raise
        pointer, hint = f"/input{error.pointer}", 'a picture is {"b64": "…"}'
        raise InvalidInput(error.message, code="invalid-item", pointer=pointer, hint=hint) from None


def _at_most(items: list[T]) -> list[T]:
    if len(items) > MOST:
        msg = f"{len(items)} pictures in one request, the limit is {MOST}"
        raise TooLarge(msg, code="too-many-rows", hint="send several smaller requests")
    return items
