"""Builds a live slot of a worker from a bundle: loaded and warm, or verified and to be loaded when asked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec

from modelport.core.manifest import Manifest, pure
from modelport.core.plan import SlotSpec
from modelport.core.signature import Signature
from modelport.serving import shared
from modelport.serving.cache import Cache, SlotCache
from modelport.serving.codecs.items import Items
from modelport.serving.codecs.pictures import Pictures
from modelport.serving.codecs.rules import Rules, rules_of
from modelport.serving.codecs.truncation import Truncation
from modelport.serving.counters import SlotCounters
from modelport.serving.dispatch import Dispatcher
from modelport.serving.hosts.board import Board
from modelport.serving.hosts.dispatcher import HostDispatcher
from modelport.serving.hosts.doors import Doors
from modelport.serving.lazy.dispatcher import Lazy
from modelport.serving.lazy.residence import Residence
from modelport.serving.loader import Hosted, Verified, Warm
from modelport.serving.local import Local
from modelport.serving.overload.admission import FEW, Admission, Patience
from modelport.serving.replica.ledger import load_deaths
from modelport.serving.replies import Replies
from modelport.serving.results import Meaning
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment
from modelport.serving.table import LiveSlot
from modelport.serving.telemetry.recorder import Recorder
from modelport.serving.telemetry.witness import BatchWitness, Silence
from modelport.serving.troubles import Troubles


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
    local: Local
    doors: Doors
    board: Board
    recorder: Recorder | None
    residence: Residence
    cache: Cache | None = None
    troubles: Troubles | None = None

    async def build(self, spec: SlotSpec, bundle: Warm | Verified | Hosted, place: int) -> LiveSlot:
        """The slot, its counters at `place` of the segment; a lazy one of a bundle that is only verified.

        One whose model runs in a model host is there once that is ready. Raises `ModelFailed` with the reason
        when it cannot be.
        """
        manifest = bundle.manifest
        parameters = spec.parameters or manifest.parameters
        counters = SlotCounters(self.segment, self.worker, place)
        rules = rules_of(parameters.validation, manifest.signature)
        cache = self._cache(spec, bundle, counters)
        witness = cache or self._witness(spec, manifest)
        predictor = bundle.predictor if isinstance(bundle, Warm) else None
        parts = _Parts(
            spec,
            Meaning(manifest),
            counters,
            Replies(spec.id, counters, witness, timeout=self.settings.timeout, troubles=self.troubles),
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
            dispatcher=await self._whoever(parts, bundle, place),
            place=place,
            stamp=f"x-modelport-version: {spec.model}:{spec.version}\r\n".encode(),
            admission=Admission(self._patience(parameters.batch_size)),
            bytes=held,
            cache=cache,
        )

    def _patience(self, batch_rows: int) -> Patience:
        """A full batch may always wait: it costs those in it nothing to share it."""
        return Patience(self.settings.queue_target, self.settings.timeout, max(FEW, batch_rows))

    async def _whoever(self, parts: _Parts, bundle: Warm | Verified | Hosted, place: int) -> Dispatcher:
        if isinstance(bundle, Warm):
            return await self._dispatcher(parts, bundle)
        if isinstance(bundle, Hosted):
            return await self._hosted(parts, bundle)
        seat = Lazy(
            msgspec.structs.replace(parts.spec, identity=bundle.identity),
            bundle.bytes,
            partial(self._dispatcher, parts),
            home=self.residence,
            counters=parts.counters,
            replies=parts.replies,
            truncation=parts.truncation,
            loop=self.local.loop,
            queue_rows=self.settings.queue_rows,
            deaths=partial(load_deaths, self.segment, place),
        )
        self.residence.enter(seat)
        return seat

    async def _dispatcher(self, parts: _Parts, warm: Warm) -> Dispatcher:
        """Who answers the slot's calls, in this process."""
        return self.local.dispatcher(
            parts.spec,
            self.settings,
            warm,
            meaning=parts.meaning,
            counters=parts.counters,
            replies=parts.replies,
        )

    async def _hosted(self, parts: _Parts, bundle: Hosted) -> Dispatcher:
        """Who answers the slot's calls, in model hosts; there once they are ready."""
        dispatcher = HostDispatcher(
            parts.spec.id,
            parts.meaning,
            parts.counters,
            parts.replies,
            loop=self.local.loop,
            board=self.board,
            instances=parts.spec.instances,
            batch_rows=(parts.spec.parameters or bundle.manifest.parameters).batch_size,
            queue_rows=self.settings.queue_rows,
            timeout=self.settings.timeout,
        )
        parts.truncation.loaded(bundle.reader)
        dispatcher.release = await self.doors.ready(parts.spec, dispatcher.heard)
        return dispatcher

    def _cache(
        self, spec: SlotSpec, bundle: Warm | Verified | Hosted, counters: SlotCounters
    ) -> SlotCache | None:
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
        meaning = Meaning(manifest)
        answer = meaning.answer if meaning.plain else None
        return BatchWitness(self.recorder, spec.id, manifest.signature, self.settings.payload_share, answer)


def _items(signature: Signature, rules: Rules) -> Items | Pictures:
    return Pictures(signature) if signature.item == "image" else Items(signature, rules)
