"""The native prediction routes (CONTRACTS: `/v1/models/{id}/predict`, `/predict`, `/batch_predict`)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from modelport.core.problem import describe
from modelport.errors import BadRequest, InvalidInput, ModelportError, UnsupportedMedia
from modelport.serving import shared
from modelport.serving.codecs.items import Decoded
from modelport.serving.codecs.json import check_keys, decode
from modelport.serving.http.app import App, Target, deadline, named_user, pick, priority, refuse
from modelport.serving.http.call import HttpCall
from modelport.serving.http.exchange import Exchange
from modelport.serving.results import Results
from modelport.serving.table import LiveSlot

_PROTOCOL = shared.PROTOCOLS.index("native")
_encode = msgspec.json.Encoder().encode


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller may ask for beside the input."""

    confidence_threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    return_probabilities: bool = False
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    user_id: str = ""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `/v1/models/{id}/predict`."""

    input: msgspec.Raw
    parameters: Parameters = Parameters()
    id: str | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """One answered item."""

    prediction_id: str
    model: str
    version: int
    prediction: Any
    below_threshold: bool | msgspec.UnsetType = msgspec.UNSET
    label: str | None = None
    confidence: float | None = None
    labels: tuple[Any, ...] | None = None
    probabilities: list[Any] | None = None
    score: float | None = None
    notes: tuple[str, ...] = ()
    truncated: bool = False
    id: str | None = None
    index: int | msgspec.UnsetType = msgspec.UNSET
    text_index: int | msgspec.UnsetType = msgspec.UNSET


_PLAIN = Request(msgspec.Raw(b"")).parameters
_DEFAULTS = msgspec.structs.astuple(_PLAIN)
_REQUEST = msgspec.json.Decoder(Request)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_BOOL = msgspec.json.Decoder(bool)


class Native:
    """Handlers of the native routes."""

    def __init__(self, app: App) -> None:
        self._app = app

    def predict(self, exchange: Exchange, target: Target) -> None:
        """`POST /v1/models/{id}/predict`."""
        require_json(exchange)
        self._infer(exchange, target, decode(_REQUEST, exchange.body))

    def predict_alone(self, exchange: Exchange, target: Target) -> None:
        """`POST /predict` of a server with one model: `{"text": …}` or the columns as top-level keys."""
        require_json(exchange)
        found = decode(_OBJECT, exchange.body)
        check_keys(exchange.body, len(found))
        wanted = found.pop("return_probabilities", None)
        parameters = Parameters(return_probabilities=wanted is not None and decode(_BOOL, wanted))
        text = target.served().arms[-1].manifest.signature.item == "text"
        if text and set(found) != {"text"}:
            msg = "the request must have the key 'text' and may have 'return_probabilities'"
            raise InvalidInput(msg, code="missing-text", pointer="/text")
        item = found["text"] if text else msgspec.Raw(_encode(found))
        self._infer(exchange, target, Request(item, parameters))

    def batch_predict(self, exchange: Exchange, target: Target) -> None:
        """`POST /batch_predict` of a server with one model: a bare list of items."""
        require_json(exchange)
        if exchange.body.lstrip()[:1] != b"[":
            msg = "the body must be a JSON list of items"
            raise BadRequest(msg, code="not-a-list")
        request = Request(msgspec.Raw(exchange.body), Parameters(return_probabilities=True))
        self._infer(exchange, target, request, texts=True)

    def _infer(
        self,
        exchange: Exchange,
        target: Target,
        request: Request,
        *,
        texts: bool = False,
    ) -> None:
        slot = pick(exchange, target, request.parameters.user_id)
        try:
            call = self._read(exchange, slot, request)
        except ModelportError as error:
            refuse(exchange, slot, _PROTOCOL, error)
            return
        call.texts = texts
        exchange.call = call
        self._app.engine.infer(call)

    @staticmethod
    def _read(exchange: Exchange, slot: LiveSlot, request: Request) -> NativeCall:
        decoded = slot.items.decode(request.input)
        check_keys(exchange.body, decoded.keys + _envelope_keys(request))
        call = NativeCall(exchange, slot, decoded, request)
        call.uncut = slot.truncation.waits(request.parameters.max_tokens)
        if not call.uncut:
            call.shorten()
        call.deadline = deadline(exchange)
        call.priority = priority(exchange)
        return call


class NativeCall(HttpCall):
    """A native request on its way."""

    __slots__ = ("cut", "decoded", "request", "texts")

    def __init__(self, exchange: Exchange, slot: LiveSlot, decoded: Decoded, request: Request) -> None:
        super().__init__(slot, decoded.batch, id=exchange.id, received=exchange.received, protocol=_PROTOCOL)
        self.exchange = exchange
        self.trial = exchange.trial
        self.user = named_user(exchange) or request.parameters.user_id
        self.decoded = decoded
        self.request = request
        self.partial = not decoded.single
        self.texts = False
        self.cut: frozenset[int] = frozenset()

    def shorten(self) -> None:
        """Cut the texts, and remember which were cut."""
        self.batch, self.cut = self.slot.truncation.apply(self.batch, self.request.parameters.max_tokens)

    def answered(self, results: Results, start: int) -> int:
        """Send one object, or `{"results": […]}`."""
        self.exchange.extra += self.slot.stamp
        if self.decoded.single:
            return self.exchange.respond(200, _encode(self._answer(results, start, 0, 0, self.id)))
        return self.exchange.respond(200, _encode({"results": self._entries(results, start)}))

    def failed(self, error: ModelportError) -> int:
        """Send the error."""
        self.exchange.extra += self.slot.stamp
        return self.exchange.problem(error)

    def _entries(self, results: Results, start: int) -> list[Any]:
        entries: list[Any] = []
        row = start
        for index in range(self.decoded.total):
            error = self.decoded.errors.get(index)
            if error is None:
                error = results.errors.get(row - start)
                row += 1
            if error is not None:
                entries.append({"index": index, "error": describe(error, self.exchange.request_id)})
                continue
            place = row - 1 - start
            answer = self._answer(results, start, place, index, f"{self.id}.{place}")
            answer.index = index
            if self.texts:
                answer.text_index = index
            entries.append(answer)
        return entries

    def _answer(self, results: Results, start: int, place: int, index: int, prediction_id: str) -> Answer:
        """The answer to item `index`, which is row `place` of this call."""
        row = start + place
        slot, asked = self.slot, self.request.parameters
        confidence = results.confidences()[row]
        answer = Answer(
            prediction_id,
            slot.spec.model,
            slot.spec.version,
            results.predictions()[row],
            label=slot.spec.label,
            confidence=confidence,
            notes=self.decoded.notes.get(index, ()),
            truncated=place in self.cut or results.truncated(row),
            id=self.request.id,
        )
        threshold = asked.confidence_threshold
        if threshold is None:
            threshold = slot.parameters.confidence_threshold
        if confidence is not None:
            answer.below_threshold = threshold is not None and confidence < threshold
            if answer.below_threshold:
                slot.counters.add(shared.BELOW_THRESHOLD)
        if asked.return_probabilities and results.meaning.likely is not None:
            answer.labels = results.meaning.likely
            answer.probabilities = results.tensor("probabilities")[row]
        if results.meaning.task == "outlier" and "scores" in results.batch.tensors:
            answer.score = results.tensor("scores")[row]
        return answer


def require_json(exchange: Exchange) -> None:
    """Refuse a body that does not say it is JSON; raises `UnsupportedMedia`."""
    kind = exchange.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/json" and not kind.endswith(b"+json"):
        msg = "this route takes application/json"
        raise UnsupportedMedia(msg, hint="set the header content-type: application/json")


def _envelope_keys(request: Request) -> int:
    """Keys outside the items, when no parameter is there that says what goes without saying."""
    parameters = request.parameters
    if parameters is _PLAIN:
        return 1 + (request.id is not None)
    said: int = sum(
        value != default
        for value, default in zip(msgspec.structs.astuple(parameters), _DEFAULTS, strict=True)
    )
    return 2 + (request.id is not None) + said
