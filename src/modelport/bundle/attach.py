"""Another piece of evidence for a bundle that is there: its identity stays."""

from __future__ import annotations

from pathlib import Path

from modelport.bundle.reader import open_bundle
from modelport.bundle.writer import write


def attach(path: Path, name: str, data: bytes) -> str:
    """Write the bundle at `path` again with the attachment `name`, new or replaced; its identity.

    Every file is verified on the way. Raises `BundleError` and what opening and writing raise.
    """
    with open_bundle(path) as bundle:
        files = {entry.path: bundle.read(entry.path) for entry in bundle.manifest.files}
        attachments = {each: bundle.attachment(each) for each in bundle.attachments()}
        manifest, about = bundle.manifest, bundle.about
    return write(path, manifest, about, files, {**attachments, name: data})
