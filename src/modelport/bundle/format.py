"""How a bundle is laid out, and how documents of older formats are read.

    manifest.json     the identity document, canonical JSON; its SHA-256 is the bundle's identity
    about.json        name, label, time, source and the digests of the attachments
    SHA256SUMS        digests of the two documents, so that a damaged one is told from a changed one
    model/...         identity files, each with size and digest in manifest.json
    attachments/...   evidence files, each with size and digest in about.json

To raise `FORMAT`: give the new number in `core/manifest.py`, add to `UPGRADES` the function that turns a
manifest of the old number (plain data) into one of the next, keep a bundle of the old format under
tests/bundle/formats/, and say so in CHANGELOG. Identity never changes by an upgrade: it is the digest of the
manifest as it was written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from modelport.core.manifest import FORMAT, About, FileEntry, Manifest, canonical
from modelport.core.ready import ready
from modelport.errors import BundleCorrupt, FormatTooNew

MANIFEST = "manifest.json"
ABOUT = "about.json"
SUMS = "SHA256SUMS"
DOCUMENTS = (ABOUT, MANIFEST)
FOLDERS = ("attachments", "model")

MAX_DOCUMENT = 16 << 20
"""Largest manifest or about document, in bytes."""

MAX_FILES = 1024
"""Most files in a bundle, documents not counted."""

T = TypeVar("T", bound=msgspec.Struct)

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

UPGRADES: Mapping[int, Upgrade] = {}
"""From format number to the function that makes a manifest of that format one of the next."""

# Segments are short, plain and never end in a dot: the same on every file system, and never `..`.
_SEGMENT = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9_-])?"
_PATH = re.compile(rf"(?:model|attachments)(?:/{_SEGMENT}){{1,4}}\Z", re.ASCII)


def safe(path: str) -> bool:
    """Whether `path` is one that a bundle may hold: relative, plain, at most four levels deep."""
    return _PATH.match(path) is not None


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def entries(files: Mapping[str, bytes]) -> tuple[FileEntry, ...]:
    """The digest entries of `files`, sorted by path. Raises `BundleCorrupt` for a path we would not read."""
    for path in files:
        if not safe(path):
            msg = f"{path!r} is not a path a bundle can hold"
            raise BundleCorrupt(msg, code="bundle-path", hint="use letters, digits, '.', '-' and '_'")
    return tuple(FileEntry(path, digest(data), len(data)) for path, data in sorted(files.items()))


def sums(documents: Mapping[str, bytes]) -> bytes:
    """The content of SHA256SUMS, as `sha256sum -c` reads it."""
    return "".join(f"{digest(documents[name])}  {name}\n" for name in DOCUMENTS).encode()


def decode_manifest(raw: bytes) -> Manifest:
    """The manifest in `raw`, upgraded to the present format.

    Raises `FormatTooNew` when a newer Modelport wrote it, `BundleCorrupt` when it is not a manifest in
    canonical form.
    """
    document = _plain(raw, MANIFEST)
    number = document.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        msg = f"{MANIFEST} names no bundle format"
        raise BundleCorrupt(msg)
    if number > FORMAT:
        msg = f"the bundle has format {number}, this version reads formats up to {FORMAT}"
        raise FormatTooNew(msg, hint="upgrade modelport")
    manifest = _convert(_upgraded(document, number), Manifest, MANIFEST)
    if number == FORMAT and canonical(manifest) != raw:
        msg = f"{MANIFEST} is not in canonical form"
        raise BundleCorrupt(msg)
    _check_entries(manifest.files, "model")
    return manifest


def decode_about(raw: bytes) -> About:
    """The about document in `raw`. Raises `BundleCorrupt`."""
    about = _convert(_plain(raw, ABOUT), About, ABOUT)
    _check_entries(about.attachments, "attachments")
    return about


def _upgraded(document: dict[str, Any], number: int) -> dict[str, Any]:
    for step in range(number, FORMAT):
        document = UPGRADES[step](document)
    return document


def _plain(raw: bytes, name: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{name} is not a JSON object: {error}"
        raise BundleCorrupt(msg) from error


def _convert(document: dict[str, Any], kind: type[T], name: str) -> T:
    try:
        return msgspec.convert(document, ready(kind))
    except (msgspec.ValidationError, RecursionError) as error:
        msg = f"{name} is not well formed: {error}"
        raise BundleCorrupt(msg) from error


def _check_entries(files: tuple[FileEntry, ...], folder: str) -> None:
    paths = [entry.path for entry in files]
    if len(paths) > MAX_FILES:
        msg = f"the bundle lists {len(paths)} files, the limit is {MAX_FILES}"
        raise BundleCorrupt(msg)
    if paths != sorted(paths) or len({path.lower() for path in paths}) != len(paths):
        msg = f"the files under {folder} are not listed once each and in order"
        raise BundleCorrupt(msg)
    for entry in files:
        if not safe(entry.path) or not entry.path.startswith(f"{folder}/") or entry.size < 0:
            msg = f"{entry.path!r} is not a file a bundle can hold under {folder}"
            raise BundleCorrupt(msg, code="bundle-path")
