"""Statistics of slots as Triton's statistics extension of the Open Inference Protocol writes them.

From the same cells as the metrics. `success` and `fail` are requests; `inference_count` is rows and
`execution_count` batches. Times are kept per slot, not per batch size, so `batch_stats` is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelport.serving import shared
from modelport.serving.metrics.merged import latest, merged
from modelport.serving.shared import Segment

_ASKED = shared.PROTOCOLS.index("shadow")
"""Protocols before it bring requests of callers."""

Place = tuple[int, str, int]
"""Where a slot's cells are, and the model and version it serves."""


def statistics(segment: Segment, slots: Iterable[Place]) -> dict[str, Any]:
    """The document of `GET /v2/models/stats` and its narrower forms: one entry per version.

    A rollout's control is another slot of a version that answers anyway, and counts with it.
    `last_inference` is the newest batch of any worker, in milliseconds since the epoch.
    """
    known = list(slots)
    places = [place for place, _, _ in known]
    cells, newest = merged(segment, places), latest(segment, places, shared.LAST_MS)
    rows: dict[tuple[str, int], list[int]] = {}
    for row, (_, model, version) in enumerate(known):
        rows.setdefault((model, version), []).append(row)
    return {
        "model_stats": [
            _model(*about, cells[some].sum(axis=0).tolist(), max(newest[row] for row in some))
            for about, some in rows.items()
        ]
    }


def _model(model: str, version: int, cells: list[int], newest: int) -> dict[str, Any]:
    return {
        "name": model,
        "version": str(version),
        "last_inference": newest,
        "inference_count": cells[shared.ROWS],
        "execution_count": cells[shared.BATCHES],
        "inference_stats": _inference(cells),
        "response_stats": {},
        "batch_stats": [],
        "memory_usage": [],
    }


def _inference(cells: list[int]) -> dict[str, dict[str, int]]:
    answered, failed = _requests(cells)
    spent = sum(cells[shared.LATENCY_NS : shared.LATENCY_NS + _ASKED])
    spent += cells[shared.CACHE_HIT_NS]
    batches = cells[shared.BATCHES]
    return {
        "success": _duration(answered, max(0, spent - cells[shared.FAIL_NS])),
        "fail": _duration(failed, cells[shared.FAIL_NS]),
        "queue": _duration(answered, cells[shared.QUEUE_NS]),
        "compute_input": _duration(batches, cells[shared.INPUT_NS]),
        "compute_infer": _duration(batches, cells[shared.COMPUTE_NS]),
        "compute_output": _duration(batches, cells[shared.OUTPUT_NS]),
        "cache_hit": _duration(cells[shared.CACHE_HITS], cells[shared.CACHE_HIT_NS]),
        "cache_miss": _duration(cells[shared.CACHE_MISSES], 0),
    }


def _requests(cells: list[int]) -> tuple[int, int]:
    """How many requests were answered with 200, and how many were not."""
    width = len(shared.CODES)
    counts = cells[shared.REQUESTS : shared.REQUESTS + _ASKED * width]
    answered = sum(counts[shared.CODE_INDEX[200] :: width])
    return answered, sum(counts) - answered


def _duration(count: int, ns: int) -> dict[str, int]:
    return {"count": count, "ns": ns}
