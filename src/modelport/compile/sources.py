"""What a bundle was made from, kept beside it: `churn.source.zip` next to `churn.bundle`.

A bundle holds nothing that runs code, and a pickle runs code: so sources are no part of it. They are a file
of their own, which the bundle names by digest (attachment `source.json`), so that no other is taken for it.
It holds the model file or folder, the vectorizer or head, the rows of the sample as they were given, and the
choices that were made; whoever has it can compile again for another machine, a newer runtime, another
precision.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from modelport.bundle import contain
from modelport.bundle.archive import open_archive, unpack
from modelport.bundle.temporary import sibling, sweep
from modelport.compile.onnx_external import whole_graph
from modelport.core.manifest import Label
from modelport.core.signature import Task
from modelport.errors import BundleRefused, SourceRefused
from modelport.runtimes.image.spec import ImageInput

if TYPE_CHECKING:
    from modelport.bundle.reader import Bundle

ATTACHMENT = "source.json"
CHOICES = "choices.json"
_ENDING = ".source.zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip stores no time of ours: the same sources are the same file
_CHUNK = 1 << 20


class Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was chosen when a model was packed, as `pack_file` takes it; files are named as in the archive."""

    name: str
    model: str
    sample: str | None = None
    vectorizer: str | None = None
    head: str | None = None
    labels: tuple[Label, ...] | None = None
    version: str | None = None
    task: Task | None = None
    signature: str | None = None
    quantize: str | None = None
    labels_column: str | None = None
    allow_loss: float | None = None
    image: ImageInput | None = None


class Kept(msgspec.Struct, frozen=True):
    """Which file the sources of a bundle are: SHA-256 in hex, size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Draft:
    """Sources that are written and not yet in their place: `place` puts them there, `drop` removes them."""

    kept: Kept
    temporary: Path
    target: Path

    def place(self) -> None:
        """Put them beside the bundle, in place of those of an older one."""
        self.temporary.replace(self.target)

    def drop(self) -> None:
        """Forget them; nothing happens when they are in their place."""
        self.temporary.unlink(missing_ok=True)


def beside(bundle: Path) -> Path:
    """Where the sources of the bundle at `bundle` are."""
    stem = bundle.name.removesuffix(".zip").removesuffix(".bundle")
    return bundle.with_name(stem + _ENDING)


def chosen(files: Mapping[str, Path | None], **choices: Any) -> tuple[Choices, Mapping[str, Path]]:
    """The choices as sources keep them, with the files by their names there.

    `files` has `model` and `sample`, and may have `vectorizer` and `head`.
    """
    given = {role: path for role, path in files.items() if path is not None}
    names = {role: f"{role}{path.suffix}" for role, path in given.items()}
    return msgspec.convert({**names, **choices}, Choices), {names[role]: given[role] for role in given}


def draft(bundle: Path, choices: Choices, files: Mapping[str, Path]) -> Draft:
    """Write the sources of a bundle that is about to be written at `bundle`.

    `files` are files or folders by their names in the archive, those that `choices` has; a graph takes the
    weights beside it along, inside. Raises `SourceRefused` (`source-absent`) when one cannot be read or has a
    name that no archive can hold.
    """
    target = beside(bundle)
    temporary = sibling(target)
    sweep(target)
    try:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_STORED) as archive:
            archive.writestr(_member(CHOICES), msgspec.json.encode(choices, order="sorted"))
            for name, path in sorted(_all(files)):
                _add(archive, name, path)
        return Draft(_digested(temporary), temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        msg = f"the sources cannot be kept: {error.strerror or error}"
        raise SourceRefused(msg, code="source-absent", hint="use --no-source to go without them") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def unpacked(bundle: Bundle, sources: Path, into: Path) -> Choices:
    """Unpack the sources of a bundle into the new folder `into`; the choices in them.

    Raises `SourceRefused`: `sources-absent` when the bundle has none or they are not there, `sources-changed`
    when the file is not the one that the bundle names.
    """
    if ATTACHMENT not in bundle.attachments():
        msg = "the bundle was packed without its sources"
        hint = "bundles made of live objects keep none: save the model, and use `modelport pack FILE`"
        raise SourceRefused(msg, code="sources-absent", hint=hint)
    kept = msgspec.json.decode(bundle.attachment(ATTACHMENT), type=Kept)
    if not sources.is_file():
        msg = f"the bundle's sources are not there: {sources.name}"
        raise SourceRefused(msg, code="sources-absent", hint="say where they are with --source")
    if _digested(sources) != kept:
        msg = f"{sources.name} is not what the bundle was made from"
        raise SourceRefused(
            msg, code="sources-changed", hint="find the file that was written with the bundle"
        )
    with open_archive(sources) as archive:
        unpack(archive, into)
    try:
        return msgspec.json.decode((into / CHOICES).read_bytes(), type=Choices)
    except (OSError, msgspec.DecodeError) as error:
        msg = f"{sources.name} does not say how the bundle was made"
        raise SourceRefused(msg, code="sources-changed", hint="was it kept by a newer version?") from error


def _all(files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Every file by its name in the archive; hidden files of a folder and links stay behind."""
    for name, path in files.items():
        if not path.is_dir():
            yield name, path
            continue
        for item in path.rglob("*"):
            inner = item.relative_to(path)
            if item.is_file() and not item.is_symlink() and not any(part[0] == "." for part in inner.parts):
                yield f"{name}/{inner.as_posix()}", item


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    _check(name)
    if path.suffix.lower() == ".onnx":
        archive.writestr(_member(name), whole_graph(path))
        return
    with path.open("rb") as file, archive.open(_member(name, path.stat().st_size), "w") as member:
        while piece := file.read(_CHUNK):
            member.write(piece)


def _check(name: str) -> None:
    try:
        contain.components(name)
    except BundleRefused as error:
        msg = f"the sources cannot be kept: {error.message}"
        raise SourceRefused(msg, code="source-absent", hint="use --no-source to go without them") from error


def _member(name: str, size: int = 0) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.external_attr = 0o100644 << 16
    member.file_size = size
    return member


def _digested(path: Path) -> Kept:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return Kept(found, os.fstat(file.fileno()).st_size)
