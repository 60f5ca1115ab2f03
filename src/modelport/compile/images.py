"""Models of pictures: any model of one tensor, with the preprocessing that a bundle carries before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from modelport.compile.columns import objects
from modelport.compile.compiled import Adopted, Candidate, Compiled, Outputs
from modelport.compile.sample import Sample
from modelport.core.signature import Field, Signature
from modelport.errors import InvalidInput, SettingsError, Unsupported
from modelport.runtimes.batch import Array, Batch
from modelport.runtimes.image.pixels import Preparation
from modelport.runtimes.image.spec import INPUT, PATH, ImageInput, ImageModel

MOST = 1000
"""Pictures in a sample."""

DOOR = Field(INPUT, "BYTES", (-1,))
"""What callers of an image model send."""


def pictures(data: Any) -> Sample:
    """The sample in a folder of picture files, or in a list of their bytes or paths; files in order of name.

    Raises `Unsupported` (`unsupported-sample`, `empty-sample`).
    """
    if isinstance(data, Sample):
        found = list(data.batch.array(INPUT)) if data.item == "image" else []
    elif isinstance(data, str | Path):
        found = folder(Path(data))
    else:
        found = [_read(each) for each in data]
    if not found:
        msg = "the sample has no pictures"
        raise Unsupported(msg, code="empty-sample", hint="give a folder of picture files")
    return Sample("image", Batch(len(found), {INPUT: objects(found)}))


def folder(path: Path) -> list[bytes]:
    """The files of a folder in order of name, hidden ones left out. Raises `Unsupported`."""
    files = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
    if len(files) > MOST:
        msg = f"the folder {path.name!r} holds {len(files)} files, a sample has at most {MOST}"
        raise Unsupported(msg, code="unsupported-sample", hint="a few dozen different pictures are enough")
    return [_read(each) for each in files]


def check(image: ImageInput) -> None:
    """Raise `SettingsError` when the preprocessing does not hold together."""
    try:
        msgspec.convert(msgspec.to_builtins(image), ImageInput)
        wrong = image.wrong()
    except msgspec.ValidationError as error:
        wrong = str(error)
    if wrong:
        msg = f"the image input makes no sense: {wrong}"
        raise SettingsError(msg)


def tensors(sample: Sample, image: ImageInput) -> Array:
    """The tensor of a sample's pictures. Raises `Unsupported` naming the first that cannot be read."""
    preparation = Preparation(image)
    return preparation.tensor(np.stack([_pixels(preparation, sample, row) for row in range(len(sample))]))


def over(adopted: Adopted, rows: Sample, image: ImageInput) -> Adopted:
    """`adopted`, a model of the one tensor in `rows`, as a model of the pictures it was made of."""
    preparation = Preparation(image)
    (door,) = rows.batch.tensors

    def original(batch: Batch) -> Outputs:
        pixels = [preparation.pixels(data) for data in batch.array(INPUT)]
        return adopted.original(Batch(batch.rows, {door: preparation.tensor(np.stack(pixels))}))

    candidates = tuple(Candidate(each.name, _built(each.build, image)) for each in adopted.candidates)
    return replace(adopted, candidates=candidates, original=original)


def _built(build: Callable[[], Compiled], image: ImageInput) -> Callable[[], Compiled]:
    return lambda: _compiled(build(), image)


def _compiled(compiled: Compiled, image: ImageInput) -> Compiled:
    (door,) = compiled.signature.inputs
    if compiled.runtime != "onnx" or door.dtype != image.dtype or not _fits(door.shape, image.shape):
        takes, given = f"{door.dtype} {list(door.shape)}", f"{image.dtype} {list(image.shape)}"
        msg = f"the model takes {takes}, and pictures become {given}"
        raise Unsupported(
            msg, code="sample-mismatch", hint="see size, layout, channels and dtype of ImageInput"
        )
    document = msgspec.json.format(msgspec.json.encode(ImageModel(image, door.name)), indent=2)
    signature = Signature("image", (DOOR,), compiled.signature.outputs)
    return replace(compiled, runtime="image", signature=signature, files={**compiled.files, PATH: document})


def _fits(takes: tuple[int, ...], given: tuple[int, ...]) -> bool:
    return len(takes) == len(given) and all(
        want in {-1, size} for want, size in zip(takes, given, strict=True)
    )


def _pixels(preparation: Preparation, sample: Sample, row: int) -> Array:
    try:
        return preparation.pixels(sample.batch.array(INPUT)[row])
    except InvalidInput as error:
        msg = f"picture {row} of the sample cannot be read: {error.message}"
        raise Unsupported(msg, code="unsupported-sample", hint=error.hint) from error


def _read(data: Any) -> bytes:
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    if not isinstance(data, str | Path):
        msg = f"a {type(data).__name__} is no picture file"
        raise Unsupported(msg, code="unsupported-sample", hint="give paths of files, or their bytes")
    try:
        return Path(data).read_bytes()
    except OSError as error:
        msg = f"cannot read the picture {Path(data).name!r}: {error.strerror}"
        raise Unsupported(msg, code="unsupported-sample") from error
