"""Writing a bundle so that its name holds the old one or the whole new one, never a part."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from modelport.bundle.exchange import exchange
from modelport.bundle.format import (
    ABOUT,
    DOCUMENTS,
    FOLDERS,
    MANIFEST,
    SUMS,
    decode_about,
    decode_manifest,
    entries,
    sums,
)
from modelport.bundle.temporary import sibling, sweep
from modelport.core.manifest import About, Manifest, canonical, identity
from modelport.errors import BundleError

# A zip stores no time of ours: the same bundle is the same file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sealed(manifest: Manifest, files: Mapping[str, bytes]) -> Manifest:
    """The manifest with the digests of `files`: the one whose SHA-256 is the bundle's identity."""
    return msgspec.structs.replace(manifest, files=entries(files))


def write(
    path: str | Path,
    manifest: Manifest,
    about: About,
    files: Mapping[str, bytes],
    attachments: Mapping[str, bytes],
) -> str:
    """Writes a bundle to the directory `path`, or to a zip when it ends in `.zip`; answers its identity.

    `files` are named by path (`model/graph.onnx`), `attachments` by name (`card.md`); their digests are
    computed here and put into the documents. Whoever looks at `path` at any time, or after a crash, sees
    what was there before or the whole new bundle. An existing bundle is replaced; anything else at `path`
    raises `BundleError`. What a killed writer left beside `path` is removed a day later, by the next write.
    """
    target = Path(path)
    manifest = sealed(manifest, files)
    content = _content(manifest, about, files, attachments)
    try:
        _refuse_foreign(target)
        sweep(target)
        (_write_zip if target.suffix.lower() == ".zip" else _write_directory)(target, content)
    except OSError as error:
        msg = f"cannot write the bundle {target.name!r}: {error.strerror or error}"
        raise BundleError(msg, code="bundle-write") from error
    return identity(manifest)


def _content(
    manifest: Manifest, about: About, files: Mapping[str, bytes], attachments: Mapping[str, bytes]
) -> dict[str, bytes]:
    evidence = {f"attachments/{name}": data for name, data in attachments.items()}
    about = msgspec.structs.replace(about, attachments=entries(evidence))
    documents = {MANIFEST: canonical(manifest), ABOUT: canonical(about)}
    # What we would not read, we do not write.
    decode_manifest(documents[MANIFEST])
    decode_about(documents[ABOUT])
    return {**documents, SUMS: sums(documents), **files, **evidence}


def _write_directory(target: Path, content: Mapping[str, bytes]) -> None:
    temporary = sibling(target)
    temporary.mkdir(mode=0o700)
    try:
        for name, data in content.items():
            _write_file(temporary / name, data)
        for folder in (*(item for item in temporary.rglob("*") if item.is_dir()), temporary):
            folder.chmod(0o755)
            _sync(folder)
        _put(temporary, target)
        _sync(target.parent)
    finally:
        # Either the unfinished new bundle, or the old one that has just changed places with it.
        shutil.rmtree(temporary, ignore_errors=True)


def _put(temporary: Path, target: Path) -> None:
    if target.exists():
        exchange(temporary, target)
    else:
        temporary.rename(target)


def _write_zip(target: Path, content: Mapping[str, bytes]) -> None:
    temporary = sibling(target)
    try:
        with temporary.open("xb") as file:
            _fill_zip(file, content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _fill_zip(file: object, content: Mapping[str, bytes]) -> None:
    # Stored, not deflated: sizes are what they say, and no reader has to fear a ratio.
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        for name in sorted(content):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content[name])


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_foreign(target: Path) -> None:
    """Raises `BundleError` unless `target` is free, an empty directory, or a bundle."""
    if not os.path.lexists(target) or _ours(target):
        return
    msg = f"{target.name!r} exists and is not a bundle; it was left alone"
    raise BundleError(msg, code="bundle-exists", hint="choose another path")


def _ours(target: Path) -> bool:
    if target.is_symlink():
        return False
    wants_zip = target.suffix.lower() == ".zip"
    if target.is_dir():
        names = {item.name for item in target.iterdir()}
        return not wants_zip and (not names or (MANIFEST in names and names <= {*DOCUMENTS, SUMS, *FOLDERS}))
    return wants_zip and zipfile.is_zipfile(target) and _zip_names_manifest(target)


def _zip_names_manifest(target: Path) -> bool:
    try:
        with zipfile.ZipFile(target) as archive:
            return MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, ValueError):
        return False
