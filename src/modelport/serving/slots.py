"""Builds a live slot of a worker from a bundle: loaded and warm, or verified and to be loaded when asked."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec

from modelport.core.manifest import Manifest, pure
from modelport.core.plan import SlotSpec
from modelport.core.signature import Signature
from modelport.runtimes.base import Bulky, Staged
from modelport.serving import shared
from modelport.serving.admission import FEW, Admission, Patience
from modelport.serving.batching import Batcher
from modelport.serving.cache import Cache, SlotCache
from modelport.serving.codecs.items import Items
from modelport.serving.codecs.pictures import Pictures
from modelport.serving.codecs.rules import Rules
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.counters import SlotCounters
from modelport.serving.dispatch import Dispatcher
from modelport.serving.grouping import Bounds
from modelport.serving.lazy import Lazy
from modelport.serving.loader import Verified, Warm
from modelport.serving.replies import Replies
from modelport.serving.residence import Residence
from modelport.serving.results import Meaning
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.staged import StagedBatcher
from modelport.serving.table import LiveSlot
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.witness import BatchWitness, Silence

_PREPARED_BYTES = 256 << 20
"""Most memory of one slot for rows that are prepared and wait."""


class _Parts(NamedTuple):
    """What a slot's dispatcher is made of, however often its model is loaded."""

    spec: SlotSpec
    meaning: Meaning
    counters: SlotCounters
    replies: Replies
    truncation: Truncation


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
    residence: Residence
    cache: Cache | None = None

    async def build(self, spec: SlotSpec, bundle: Warm | Verified, place: int) -> LiveSlot:
        """The slot, its counters at `place` of the segment; a lazy one of a bundle that is only verified."""
        manifest = bundle.manifest
        parameters = spec.parameters or manifest.parameters
        counters = SlotCounters(self.segment, self.worker, place)
        rules = Rules(parameters.validation)
        cache = self._cache(spec, bundle, counters)
        witness = cache or self._witness(spec, manifest)
        predictor = bundle.predictor if isinstance(bundle, Warm) else None
        parts = _Parts(
            spec,
            Meaning(manifest),
            counters,
            Replies(spec.id, counters, witness, timeout=self.settings.timeout),
            Truncation(predictor, manifest.signature, parameters.max_tokens),
        )
        held = bundle.bytes if isinstance(bundle, Warm) else 0
        counters.gauge(shared.LOADED, int(held > 0))
        counters.gauge(shared.MODEL_BYTES, held)
        return LiveSlot(
            spec=spec,
            manifest=manifest,
            identity=bundle.identity,
            meaning=parts.meaning,
            parameters=parameters,
            rules=rules,
            items=_items(manifest.signature, rules),
            truncation=parts.truncation,
            counters=counters,
            dispatcher=await self._whoever(parts, bundle),
            place=place,
            stamp=f"x-modelport-version: {spec.id}\r\n".encode(),
            admission=Admission(self._patience(parameters.batch_size)),
            bytes=held,
            cache=cache,
        )

    def _patience(self, batch_rows: int) -> Patience:
        """A full batch may always wait: it costs those in it nothing to share it."""
        return Patience(self.settings.queue_target, self.settings.timeout, max(FEW, batch_rows))

    async def _whoever(self, parts: _Parts, bundle: Warm | Verified) -> Dispatcher:
        if isinstance(bundle, Warm):
            return await self._dispatcher(parts, bundle)
        seat = Lazy(
            msgspec.structs.replace(parts.spec, identity=bundle.identity),
            bundle.bytes,
            partial(self._dispatcher, parts),
            home=self.residence,
            counters=parts.counters,
            replies=parts.replies,
            truncation=parts.truncation,
            loop=self.loop,
            queue_rows=self.settings.queue_rows,
        )
        self.residence.enter(seat)
        return seat

    async def _dispatcher(self, parts: _Parts, warm: Warm) -> Dispatcher:
        """Who answers the slot's calls: by length where rows differ in cost, by the row elsewhere."""
        spec, meaning, counters, replies, _ = parts
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
                queue_rows=min(self.settings.queue_rows, _room(warm.predictor)),
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

    def _cache(self, spec: SlotSpec, bundle: Warm | Verified, counters: SlotCounters) -> SlotCache | None:
        """Where the slot's answers are remembered; None for a model that may answer otherwise next time."""
        if self.cache is None or not pure(bundle.manifest):
            return None
        witness = self._witness(spec, bundle.manifest)
        return SlotCache(
            self.cache,
            spec.id,
            bundle.identity,
            counters=counters,
            inner=witness,
            note=witness.repeated,
        )

    def _witness(self, spec: SlotSpec, manifest: Manifest) -> BatchWitness | Silence:
        if self.recorder is None:
            return Silence()
        return BatchWitness(self.recorder, spec.id, manifest.signature, self.settings.payload_share)


def _items(signature: Signature, rules: Rules) -> Items | Pictures:
    return Pictures(signature) if signature.item == "image" else Items(signature, rules)


def _room(predictor: Staged) -> int:
    """How many prepared rows may wait; what is small is bounded by their number alone."""
    return max(1, _PREPARED_BYTES // predictor.row_bytes) if isinstance(predictor, Bulky) else sys.maxsize
