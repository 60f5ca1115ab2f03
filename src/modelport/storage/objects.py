"""A store in S3, Google Cloud Storage or Azure Blob Storage, over obstore (decision 20).

Credentials, region and endpoint are read from the environment, as each provider's own tools read them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from modelport.errors import ModelportError, Overloaded, SettingsError, StorageError
from modelport.storage import whole
from modelport.storage.address import ARTIFACTS, digest_at, document, place
from modelport.storage.content import chunks, verified
from modelport.storage.local import absent
from modelport.storage.store import Kept

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Remote

PATIENCE = 30.0
"""Seconds that a request is repeated for before the store counts as out of reach."""
_TRIES = 5
_PART = 16 << 20
"""Bytes that travel in one request: what a slow line carries in the time of one."""


class ObjectStore:
    """A `Store` under the URL of a bucket, with a prefix or without.

    Files up to 16 MiB are put on the condition that nothing is there; larger ones in parts, which become an
    object when the last has come. What a killed writer left of such parts is the bucket's lifecycle rule's.

    Raises `SettingsError` (`bad-store`) for a URL that names no bucket.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        self._url = url.rstrip("/")
        self._remote = _remote(self._url, patience)

    @property
    def url(self) -> str:
        """`s3://bucket/prefix`"""
        return self._url

    def put(self, file: Path, digest: str) -> bool:
        """As `Store.put`."""
        import obstore

        where, size = place(digest), file.stat().st_size
        if self.size(digest) == size:
            return False
        pieces = verified(chunks(file), digest)
        with _said():
            if size > _PART:
                obstore.put(self._remote, where, pieces, chunk_size=_PART, max_concurrency=2)
                return True
            return self._create(where, b"".join(pieces))

    def get(self, digest: str, target: Path) -> None:
        """As `Store.get`."""
        size = self.size(digest)
        if size is None:
            raise absent(digest)
        whole.write(target, verified(self._parts(place(digest), size), digest))

    def size(self, digest: str) -> int | None:
        """As `Store.size`."""
        import obstore

        with _said():
            try:
                return int(obstore.head(self._remote, place(digest))["size"])
            except FileNotFoundError:
                return None

    def delete(self, digest: str) -> None:
        """As `Store.delete`."""
        import obstore

        with _said(), suppress(FileNotFoundError):
            obstore.delete(self._remote, place(digest))

    def kept(self) -> Iterator[Kept]:
        """As `Store.kept`."""
        import obstore

        with _said():
            for page in obstore.list(self._remote, prefix=ARTIFACTS):
                for found in page:
                    digest = digest_at(found["path"])
                    if digest is not None:
                        yield Kept(digest, found["size"], found["last_modified"].timestamp())

    def write(self, name: str, data: bytes) -> None:
        """As `Store.write`."""
        import obstore

        with _said():
            obstore.put(self._remote, document(name), data, use_multipart=False)

    def read(self, name: str) -> bytes | None:
        """As `Store.read`."""
        import obstore

        with _said():
            try:
                return bytes(obstore.get(self._remote, document(name)).bytes())
            except FileNotFoundError:
                return None

    def sweep(self, before: float) -> int:  # noqa: ARG002 - objects are whole or not there
        """As `Store.sweep`: nothing half written shows in a bucket."""
        return 0

    def _create(self, where: str, data: bytes) -> bool:
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            obstore.put(self._remote, where, data, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def _parts(self, where: str, size: int) -> Iterator[bytes]:
        """A part is a request of its own, so a long file is not one long request."""
        import obstore

        for start in range(0, size, _PART):
            with _said():
                yield bytes(obstore.get_range(self._remote, where, start=start, end=min(start + _PART, size)))


def _remote(url: str, patience: float) -> Remote:
    try:
        import obstore.store
        from obstore.exceptions import BaseError
    except ImportError as error:
        msg = f"{url.partition(':')[0]}:// needs a library that is not installed"
        raise SettingsError(
            msg, code="missing-extra", hint="pip install 'modelport[object-storage]'"
        ) from error
    try:
        return obstore.store.from_url(
            url,
            client_options={"timeout": timedelta(seconds=patience), "allow_http": _plain_endpoint()},
            retry_config={"max_retries": _TRIES, "retry_timeout": timedelta(seconds=patience)},
        )
    except (BaseError, ValueError) as error:
        msg = f"{url[:120]!r} names no bucket"
        raise SettingsError(msg, code="bad-store", hint="as in s3://bucket/prefix") from error


def _plain_endpoint() -> bool:
    """Whether the endpoint that was chosen speaks HTTP without TLS: choosing it was consent."""
    return os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", "")).startswith("http://")


@contextmanager
def _said() -> Iterator[None]:
    """What the store answered, in our words."""
    from obstore.exceptions import BaseError

    try:
        yield
    except ModelportError:
        raise
    except (BaseError, OSError) as error:
        raise _in_words(error) from error


def _in_words(error: Exception) -> ModelportError:
    status = _status(error)
    if status in (401, 403):
        hint = "look at the credentials in the environment, and what they may do in this bucket"
        return StorageError("the artifact store refuses our credentials", code="storage-denied", hint=hint)
    if status == 404 or isinstance(error, FileNotFoundError):
        hint = "make the bucket first, or correct the store's URL"
        return StorageError("there is no such bucket", code="bucket-absent", hint=hint)
    hint = "what is loaded goes on; try again in a moment"
    return Overloaded("the artifact store cannot be reached", code="storage-unavailable", hint=hint)


def _status(error: Exception) -> int | None:
    """The HTTP status: listing wraps what other calls raise as an error of its own, so the words are read."""
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else None
