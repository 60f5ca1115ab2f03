"""A model's own files on disk, out of a bundle: written anew from verified bytes, into a private folder."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from modelport.errors import BundleError
from modelport.runtimes.base import Files
from modelport.runtimes.python.spec import FOLDER


class Folder:
    """A private folder with the files of a bundle under `model/code/`; gone with `close`.

    What is imported from it is what was verified: nobody else could write to it in between.
    Raises `BundleError` (`no-temporary-folder`) where no file can be written.
    """

    def __init__(self, files: Files) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="modelport-code-")).resolve()
        except OSError as error:
            msg = f"the model's files cannot be written: {error.strerror}"
            raise BundleError(
                msg, code="no-temporary-folder", hint="set TMPDIR to a writable folder"
            ) from error
        for entry in files.manifest.files:
            if entry.path.startswith(FOLDER):
                self._write(entry.path.removeprefix(FOLDER), files.read(entry.path))

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _write(self, name: str, data: bytes) -> None:
        path = self.path / name  # a bundle's names are plain and relative: `bundle.format.safe`
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data)
