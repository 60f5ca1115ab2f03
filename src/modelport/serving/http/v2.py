"""Handlers of the Open Inference Protocol V2 (REST). Errors are 400 where other routes say 422."""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from modelport.errors import BadRequest, InvalidInput, ModelportError, Overloaded
from modelport.serving.codecs.json import check_keys, decode
from modelport.serving.codecs.v2 import Inference, Requests
from modelport.serving.codecs.v2_answers import Answers
from modelport.serving.codecs.v2_documents import (
    model_config,
    model_metadata,
    places,
    repository_index,
    server_metadata,
)
from modelport.serving.http.app import App, Target, deadline, named_user, pick, priority, refuse
from modelport.serving.http.call import HttpCall
from modelport.serving.http.exchange import Exchange
from modelport.serving.metrics.statistics import statistics
from modelport.serving.results import Results
from modelport.serving.shared import PROTOCOLS
from modelport.serving.table import LiveSlot

PROTOCOL = PROTOCOLS.index("v2")
BINARY = b"application/octet-stream"
_LENGTH = b"inference-header-content-length"


class _IndexRequest(msgspec.Struct):
    ready: bool | msgspec.UnsetType = msgspec.UNSET


_INDEX = msgspec.json.Decoder(_IndexRequest)


class _Codec:
    """What is worked out once per slot. Holds documents of the slot, not the slot: it may be unloaded."""

    __slots__ = ("answers", "manifest", "requests", "spec")

    def __init__(self, slot: LiveSlot, model: str) -> None:
        self.spec = slot.spec
        self.manifest = slot.manifest
        outputs = slot.meaning.outputs
        signature = slot.manifest.signature
        names = [field.name for field in outputs]
        pictures = signature.item == "image"
        self.requests = Requests(signature.inputs, names, slot.rules, pictures=pictures)
        self.answers = Answers(model, slot.spec.version, outputs, slot.manifest.labels or ())


class V2Call(HttpCall):
    """An inference on its way."""

    __slots__ = ("answers", "inference")

    def __init__(self, slot: LiveSlot, inference: Inference, answers: Answers, exchange: Exchange) -> None:
        super().__init__(slot, inference.batch, id=exchange.id, received=exchange.received, protocol=PROTOCOL)
        self.inference = inference
        self.answers = answers
        self.exchange = exchange
        self.trial = exchange.trial
        self.user = named_user(exchange)

    def shorten(self) -> None:
        """Cut the texts, and remember which were cut."""
        self.batch, cut = self.slot.truncation.apply(self.batch)
        if cut:
            self.inference = msgspec.structs.replace(self.inference, batch=self.batch, cut=cut)

    def answered(self, results: Results, start: int) -> int:
        """Write the outputs that were asked for."""
        exchange, inference = self.exchange, self.inference
        try:
            if inference.wanted is None:
                head, tail = self.answers.json(results, start, self.id, inference), b""
            else:
                head, tail = self.answers.selected(results, start, self.id, inference)
        except ModelportError as error:
            return self.failed(error)
        exchange.extra += self.slot.stamp
        if not inference.binary:
            return exchange.respond(200, head)
        exchange.extra += b"inference-header-content-length: %d\r\n" % len(head)
        return exchange.respond(200, head + tail, BINARY)

    def failed(self, error: ModelportError) -> int:
        """Say why there is no answer."""
        self.exchange.extra += self.slot.stamp
        return self.exchange.problem(as_protocol(error))


class OpenInference:
    """One worker's handlers: each takes an exchange and where its path leads, as `http.app.Handler` says."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._codecs: dict[tuple[int, str], _Codec] = {}

    def infer(self, exchange: Exchange, target: Target) -> object:
        """`POST .../infer`."""
        slot = pick(exchange, target)
        try:
            call = self._read(exchange, slot, target.served().name)
        except ModelportError as error:
            refuse(exchange, slot, PROTOCOL, as_protocol(error))
            return None
        exchange.call = call
        self._app.engine.infer(call)
        return call

    def _read(self, exchange: Exchange, slot: LiveSlot, model: str) -> V2Call:
        codec = self._codec(slot, model)
        inference = codec.requests.decode(exchange.body, exchange.headers.get(_LENGTH))
        call = V2Call(slot, inference, codec.answers, exchange)
        call.uncut = slot.truncation.waits()
        if not call.uncut:
            call.shorten()
        call.deadline = deadline(exchange)
        call.priority = priority(exchange)
        if inference.timeout:
            call.deadline = min(call.deadline, exchange.received + inference.timeout)
        return call

    def live(self, exchange: Exchange, target: Target) -> object:  # noqa: ARG002
        """`GET /v2/health/live`."""
        return exchange.respond(200, b'{"live":true}')

    def ready(self, exchange: Exchange, target: Target) -> object:  # noqa: ARG002
        """`GET /v2/health/ready`; raises `Overloaded` with the reason when not ready."""
        if not self._app.ready:
            raise Overloaded(self._app.unready_reason or "this server is not ready", code="not-ready")
        return exchange.respond(200, b'{"ready":true,"live":true}')

    def model_ready(self, exchange: Exchange, target: Target) -> object:
        """`GET .../ready`: what the table names is warm, or will be loaded by its first request."""
        if reason := self._slot(target).dispatcher.unready:
            raise Overloaded(reason, code="not-ready")
        return _send(exchange, {"name": target.served().name, "ready": True})

    def server_metadata(self, exchange: Exchange, target: Target) -> object:  # noqa: ARG002
        """`GET /v2`."""
        return _send(exchange, server_metadata())

    def models(self, exchange: Exchange, target: Target) -> object:  # noqa: ARG002
        """`GET /v2/models`."""
        return _send(exchange, {"models": list(self._app.table.endpoints)})

    def model_metadata(self, exchange: Exchange, target: Target) -> object:
        """`GET /v2/models/<model>`."""
        return _send(exchange, model_metadata(target.served(), self._slot(target)))

    def config(self, exchange: Exchange, target: Target) -> object:
        """`GET .../config`."""
        return _send(exchange, model_config(target.served(), self._slot(target)))

    def stats(self, exchange: Exchange, target: Target) -> object:
        """`GET .../stats`; of all models when the path names none."""
        if target.endpoint is None:
            chosen = places(self._app.table.endpoints.values())
        else:
            self._slot(target)
            chosen = places([target.endpoint], target.version)
        return _send(exchange, statistics(self._app.segment, chosen))

    def index(self, exchange: Exchange, target: Target) -> object:  # noqa: ARG002
        """`POST /v2/repository/index`; `ready` leaves out what cannot be loaded now."""
        only = False
        if exchange.body:
            request = decode(_INDEX, exchange.body)
            check_keys(exchange.body, int(request.ready is not msgspec.UNSET))
            only = request.ready is True
        known = repository_index(self._app.table)
        return _send(exchange, [one for one in known if one["state"] == "READY" or not only])

    def load(self, exchange: Exchange, target: Target) -> object:
        """`POST /v2/repository/models/<model>/load`: always refused."""
        _no_control(exchange, target)

    def unload(self, exchange: Exchange, target: Target) -> object:
        """`POST /v2/repository/models/<model>/unload`: always refused."""
        _no_control(exchange, target)

    def _slot(self, target: Target) -> LiveSlot:
        """The version the path names, or the first arm; raises `NotFound`."""
        endpoint = target.served()
        return endpoint.version(target.version) if target.version else endpoint.arms[0]

    def _codec(self, slot: LiveSlot, model: str) -> _Codec:
        """The slot's codec, made again when another slot has taken the place."""
        key = (slot.place, model)
        codec = self._codecs.get(key)
        if codec is None or codec.spec is not slot.spec or codec.manifest is not slot.manifest:
            codec = self._codecs[key] = _Codec(slot, model)
        return codec


def as_protocol(error: ModelportError) -> ModelportError:
    """The error as this protocol has it: it knows no 422."""
    if error.status != InvalidInput.status:
        return error
    return BadRequest(error.message, code=error.code, hint=error.hint, pointer=error.pointer)


def _send(exchange: Exchange, document: Any) -> int:
    return exchange.respond(200, msgspec.json.encode(document))


def _no_control(exchange: Exchange, target: Target) -> NoReturn:  # noqa: ARG001
    msg = "this server takes its models from a plan"
    raise BadRequest(msg, code="model-control-disabled", hint="change the plan; it is watched")
