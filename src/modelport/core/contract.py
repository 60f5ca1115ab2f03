"""What callers of an endpoint rely on: versions with the same contract can stand behind it."""

from __future__ import annotations

import hashlib

import msgspec

from modelport.core.manifest import Manifest
from modelport.core.signature import Field


def contract_digest(manifest: Manifest) -> str:
    """Equal for manifests that can stand behind one endpoint.

    Float width, ranges and categories may differ between versions; names, kinds, shapes and task may not.
    """
    signature = manifest.signature
    parts = {
        "item": signature.item,
        "task": manifest.task,
        "inputs": [(item.name, _kind(item), item.shape, item.columns) for item in signature.inputs],
        "outputs": [(item.name, _kind(item), len(item.shape)) for item in signature.outputs],
    }
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def _kind(item: Field) -> str:
    return "FP" if item.dtype.startswith("FP") else item.dtype
