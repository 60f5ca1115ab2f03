"""Who answers the calls of a slot whose model is in this very process."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Executor
from dataclasses import dataclass

from modelport.core.plan import SlotSpec
from modelport.runtimes.base import Bulky, Staged
from modelport.serving.batching.batcher import Batcher
from modelport.serving.batching.grouping import Bounds
from modelport.serving.batching.staged import StagedBatcher
from modelport.serving.counters import Counters
from modelport.serving.dispatch import Dispatcher
from modelport.serving.loader import Warm
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning
from modelport.serving.settings import Settings

_PREPARED_BYTES = 256 << 20
"""Most memory of one slot for rows that are prepared and wait."""


@dataclass(frozen=True, slots=True)
class Local:
    """The threads in which models run."""

    loop: asyncio.AbstractEventLoop
    executor: Executor
    preparer: Executor

    def dispatcher(
        self,
        spec: SlotSpec,
        settings: Settings,
        warm: Warm,
        *,
        meaning: Meaning,
        counters: Counters,
        replies: Replies,
    ) -> Dispatcher:
        """Batches by length where rows differ in cost, by the row elsewhere; knows what was measured."""
        rows = (spec.parameters or warm.manifest.parameters).batch_size
        if isinstance(warm.predictor, Staged):
            staged = StagedBatcher(
                warm.predictor,
                meaning,
                counters,
                replies,
                loop=self.loop,
                executor=self.executor,
                preparer=self.preparer,
                bounds=Bounds(rows, settings.batch_tokens),
                queue_rows=min(settings.queue_rows, _room(warm.predictor)),
                instances=spec.instances,
            )
            for shape in warm.costs:
                staged.cost.observe(*shape)
            return staged
        batcher = Batcher(
            warm.predictor,
            meaning,
            counters,
            replies,
            loop=self.loop,
            executor=self.executor,
            batch_rows=rows,
            queue_rows=settings.queue_rows,
            instances=spec.instances,
            inline_seconds=settings.inline_seconds,
        )
        for count, _, seconds in warm.costs:
            batcher.cost.observe(count, seconds)
        return batcher


def _room(predictor: Staged) -> int:
    """How many prepared rows may wait; what is small is bounded by their number alone."""
    return max(1, _PREPARED_BYTES // predictor.row_bytes) if isinstance(predictor, Bulky) else sys.maxsize
