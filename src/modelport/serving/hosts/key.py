"""Which slots one host can serve: those of one spec."""

from __future__ import annotations

import hashlib

import msgspec

from modelport.core.plan import SlotSpec


def key_of(spec: SlotSpec) -> str:
    """Equal for slots that one host can serve."""
    return hashlib.sha256(msgspec.json.encode(spec, order="sorted")).hexdigest()
