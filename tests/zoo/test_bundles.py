"""Bundles whose author lies in a document: sealed like any other, and refused when they are loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.runtimes.image.pictures import graph, plain, saved
from tests.runtimes.transformer import tiny

import modelport
from modelport.bundle.reader import open_bundle
from modelport.bundle.writer import sealed, write
from modelport.compile.packed import Packed
from modelport.errors import BundleError
from modelport.runtimes.image.spec import PATH as IMAGE
from modelport.runtimes.image.spec import ImageInput
from modelport.runtimes.load import load
from modelport.runtimes.transformer.spec import PATH as TRANSFORMER
from modelport.runtimes.transformer.spec import TOKENIZER

_WORDS: dict[str, Any] = msgspec.json.decode(tiny.tokenizer().to_str())
_REGEX = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
_GROWS = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 9}
_RANDOM = {"type": "BPE", "dropout": 0.1, "vocab": {"a": 0}, "merges": []}


def _words(**changes: Any) -> bytes:
    return msgspec.json.encode(_WORDS | changes)


def _picture(**changes: Any) -> bytes:
    return msgspec.json.encode({"image": {"size": 8, **changes}, "tensor": "x"})


PICTURES: dict[str, tuple[bytes, str, str]] = {
    "image-no-json": (b"\x80\x04K\x01.", "pickle-refused", "image.json"),
    "image-deep": (b"[" * 100_000, "kind-mismatch", "image.json"),
    "image-key-of-nobody": (_picture(loader="os.system"), "bundle-corrupt", "loader"),
    "image-of-a-terabyte": (_picture(size=1 << 20), "bundle-corrupt", "from 1 to 8192"),
    "image-resized-to-a-terabyte": (_picture(resize=[1 << 30, 1 << 30]), "bundle-corrupt", "from 1 to 8192"),
    "image-of-a-billion-pixels": (_picture(max_pixels=9_000_000_000), "bundle-corrupt", "max_pixels"),
    "image-divides-by-nothing": (_picture(std=[0.0]), "bundle-corrupt", "std divides"),
    "image-with-too-many-means": (_picture(mean=[0.0] * 9), "bundle-corrupt", "mean and std"),
    "image-of-no-format": (_picture(formats=[]), "bundle-corrupt", "formats"),
    "image-of-another-size": (_picture(size=9), "graph-signature", "does not take the tensor"),
    "image-bytes-for-numbers": (_picture(dtype="UINT8"), "graph-signature", "does not take the tensor"),
}
TEXTS: dict[str, tuple[str, bytes, str, str]] = {
    "tokenizer-pickle": (TOKENIZER, b"\x80\x04K\x01.", "pickle-refused", "tokenizer.json"),
    "tokenizer-deep": (TOKENIZER, b"[" * 100_000, "kind-mismatch", "tokenizer.json"),
    "tokenizer-catastrophe": (TOKENIZER, _words(pre_tokenizer=_REGEX), "tokenizer-refused", "busy"),
    "tokenizer-bomb": (
        TOKENIZER,
        _words(normalizer={"type": "Sequence", "normalizers": [_GROWS] * 3}),
        "tokenizer-refused",
        "times",
    ),
    "tokenizer-of-code": (TOKENIZER, _words(normalizer={"type": "Python"}), "tokenizer-refused", "Python"),
    "tokenizer-at-random": (TOKENIZER, _words(model=_RANDOM), "tokenizer-refused", "at random"),
    "tokenizer-beyond-the-model": (
        TOKENIZER,
        _words(added_tokens=[{"id": 99, "content": "!", "special": True}]),
        "tokenizer-refused",
        "token number 99",
    ),
    "transformer-of-a-billion-tokens": (
        TRANSFORMER,
        msgspec.json.encode(msgspec.structs.replace(tiny.SPEC, max_length=1 << 40)),
        "bundle-corrupt",
        "no sense",
    ),
}


@pytest.fixture(scope="module")
def colours() -> Packed:
    sample = [saved(plain(each), "PNG") for each in ((250, 10, 10), (10, 250, 10), (10, 10, 250))]
    return modelport.pack(
        graph(), name="colours", sample=sample, image=ImageInput(size=8), labels=["red", "green", "blue"]
    )


def refused(path: Path, code: str, says: str) -> None:
    """Nothing of it is loaded; the reason is one line without a path of this machine."""
    with pytest.raises(BundleError) as caught, open_bundle(path) as bundle:
        load(bundle)
    told = str(caught.value)
    print(path.name, caught.value.code, told[:150])
    assert caught.value.code == code
    assert says in caught.value.message
    assert told.isprintable()
    assert str(path.parent) not in told


@pytest.mark.parametrize("name", PICTURES)
def test_a_hostile_image_document_is_refused(tmp_path: Path, colours: Packed, name: str) -> None:
    document, code, says = PICTURES[name]
    files: Mapping[str, bytes] = {**colours.files, IMAGE: document}
    path = tmp_path / f"{name}.bundle"
    write(path, sealed(colours.manifest, files), colours.about, files, {})
    refused(path, code, says)


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_document_of_a_transformer_is_refused(tmp_path: Path, name: str) -> None:
    file, data, code, says = TEXTS[name]
    path = tmp_path / f"{name}.bundle"
    tiny.Held({file: data}).save(path, "mood")
    refused(path, code, says)
