"""RELIABILITY cases 1 to 24: every hostile request there is."""

from __future__ import annotations

from tests.acceptance import hostile_bodies as bodies
from tests.acceptance import hostile_framing as framing
from tests.acceptance import hostile_tensors as tensors
from tests.acceptance.cases import Case

_MAKERS = (
    bodies.empty, bodies.deep, bodies.large, bodies.coded, bodies.broken_text, bodies.numbers, bodies.shapes,
    bodies.members, tensors.binaries, tensors.batches, framing.kinds, framing.names, framing.lines,
    framing.headers, framing.escapes,
)  # fmt: skip
CASES: list[Case] = [case for make in _MAKERS for case in make()]
