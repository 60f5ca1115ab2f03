"""What is known about a bundle, as one plain document. Nothing in the bundle is imported or run."""

from __future__ import annotations

from typing import Any

import msgspec

from modelport.bundle.reader import Bundle


def gather(bundle: Bundle) -> dict[str, Any]:
    """Everything `modelport inspect` says. Reads, and so verifies, every listed file."""
    manifest, about = bundle.manifest, bundle.about
    files = [*manifest.files, *about.attachments]
    for entry in files:
        bundle.read(entry.path)
    proof = _attached(bundle, "parity.json")
    return {
        "name": about.name,
        "label": about.label,
        "identity": bundle.identity,
        "format": manifest.format,
        "created": about.created,
        "source": about.source,
        "runtime": manifest.runtime,
        "task": manifest.task,
        "executable": bundle.executable,
        "labels": manifest.labels,
        "signature": msgspec.to_builtins(manifest.signature),
        "steps": [step.kind for step in manifest.steps],
        "parameters": msgspec.to_builtins(manifest.parameters),
        "size": sum(entry.size for entry in files),
        "files": [msgspec.to_builtins(entry) for entry in files],
        "parity": proof and proof["parity"],
        "tried": proof["tried"] if proof else [],
        "speed": _attached(bundle, "speed.json"),
        "precision": _attached(bundle, "precision.json"),
        "golden_rows": golden.rows if (golden := bundle.golden()) else 0,
        "tags": about.tags,
    }


def _attached(bundle: Bundle, name: str) -> Any:
    """A JSON attachment; None when the bundle carries none."""
    return msgspec.json.decode(bundle.attachment(name)) if name in bundle.attachments() else None
