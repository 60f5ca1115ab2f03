"""Stores by URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelport.errors import SettingsError
from modelport.storage.address import parse_artifact
from modelport.storage.local import LocalStore
from modelport.storage.store import Store

_REMOTE = frozenset({"s3", "gs", "az"})


def open_store(url: str) -> Store:
    """The store at `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    Nothing is written or asked yet. Raises `SettingsError`: `bad-store`, or `missing-extra` where the library
    for object stores is not installed.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.username:
        raise _refused(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme in _REMOTE and parts.netloc:
        from modelport.storage.objects import ObjectStore

        return ObjectStore(url)
    raise _refused(url)


def fetch(url: str, target: Path) -> None:
    """Copy the artifact at `url` (as in a serving plan) to a file of this machine, its digest verified.

    Raises what `open_store` and `Store.get` raise.
    """
    store, digest = parse_artifact(url)
    open_store(store).get(digest, target)


def _refused(url: str) -> SettingsError:
    kind = url.partition(":")[0][:40]  # the rest may hold a password
    return SettingsError(
        f"the URL of {kind!r} that was given names no artifact store",
        code="bad-store",
        hint="file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix",
    )
