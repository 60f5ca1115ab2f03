"""Builds a live slot of a worker from a bundle that is loaded and warm."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass

from modelport.core.plan import SlotSpec
from modelport.runtimes.base import Staged
from modelport.serving.batching import Batcher
from modelport.serving.codecs.items import Items
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.counters import SlotCounters
from modelport.serving.dispatch import Dispatcher
from modelport.serving.grouping import Bounds
from modelport.serving.loader import Warm
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.staged import StagedBatcher
from modelport.serving.table import LiveSlot
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.witness import BatchWitness, Silence


@dataclass(frozen=True, slots=True)
class SlotBuilder:
    """What every slot of a worker is built with. Without a recorder its predictions leave no record."""

    settings: Settings
    segment: Segment
    worker: int
    loop: asyncio.AbstractEventLoop
    executor: Executor
    preparer: Executor
    recorder: Recorder | None

    async def build(self, spec: SlotSpec, warm: Warm, place: int) -> LiveSlot:
        """The slot, its counters at `place` of the segment."""
        manifest = warm.manifest
        parameters = spec.parameters or manifest.parameters
        counters = SlotCounters(self.segment, self.worker, place)
        meaning = Meaning(manifest)
        rules = Rules(parameters.validation)
        replies = Replies(spec.id, counters, self._witness(spec, warm), timeout=self.settings.timeout)
        return LiveSlot(
            spec=spec,
            manifest=manifest,
            identity=warm.identity,
            meaning=meaning,
            parameters=parameters,
            rules=rules,
            items=Items(manifest.signature, rules),
            truncation=Truncation(warm.predictor, manifest.signature, parameters.max_tokens),
            counters=counters,
            dispatcher=self._dispatcher(spec, warm, meaning, counters, replies),
            place=place,
            stamp=f"x-modelport-version: {spec.id}\r\n".encode(),
        )

    def _dispatcher(
        self, spec: SlotSpec, warm: Warm, meaning: Meaning, counters: SlotCounters, replies: Replies
    ) -> Dispatcher:
        """Who answers the slot's calls: by length where rows differ in cost, by the row elsewhere."""
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
                bounds=Bounds(rows, self.settings.batch_tokens),
                queue_rows=self.settings.queue_rows,
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
            queue_rows=self.settings.queue_rows,
            instances=spec.instances,
            inline_seconds=self.settings.inline_seconds,
        )
        for count, _, seconds in warm.costs:
            batcher.cost.observe(count, seconds)
        return batcher

    def _witness(self, spec: SlotSpec, warm: Warm) -> BatchWitness | Silence:
        if self.recorder is None:
            return Silence()
        return BatchWitness(self.recorder, spec.id, warm.manifest.signature, self.settings.payload_share)
