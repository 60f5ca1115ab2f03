"""A bundle as one file, to be sent: a zip as it is, a directory zipped. The same bundle is the same bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelport.bundle.reader import open_bundle
from modelport.bundle.writer import write


@contextmanager
def parcel(path: Path) -> Iterator[Path]:
    """A file with the bundle at `path`, there until left.

    A directory's digests are verified on the way. Raises `BundleError`.
    """
    with open_bundle(path) as bundle:
        if path.is_file():
            yield path
            return
        files = {entry.path: bundle.read(entry.path) for entry in bundle.manifest.files}
        attachments = {name: bundle.attachment(name) for name in bundle.attachments()}
        with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
            target = Path(folder) / f"{path.stem}.zip"
            write(target, bundle.manifest, bundle.about, files, attachments)
            yield target
