"""Routes about the server itself: health, version, metrics, plan, OpenAPI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

import modelport
from modelport.serving.hosts.dispatcher import HostDispatcher
from modelport.serving.http.app import App, Target
from modelport.serving.http.exchange import Exchange
from modelport.serving.metrics.exposition import CONTENT_TYPE
from modelport.serving.metrics.prometheus import render

_encode = msgspec.json.encode
_TEXT = b"text/plain; charset=utf-8"


class System:
    """Handlers that answer from what the worker knows, without a model."""

    def __init__(
        self,
        app: App,
        describe: Callable[[], dict[str, Any]],
        *,
        secured: Callable[[], bool],
        compared: Callable[[], dict[str, Any]],
    ) -> None:
        self._app = app
        self._describe = describe
        self._secured = secured
        self._compared = compared

    def health(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /health` and `/ping`: 200 when this replica should get traffic, else 503 and why."""
        if self._app.ready:
            models = sorted(self._app.table.endpoints)
            exchange.respond(200, _encode({"status": "healthy", "models": len(models)}))
        else:
            exchange.respond(503, _encode({"status": "unhealthy", "reason": self._app.unready_reason}))

    def live(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /live`: the loop turns."""
        exchange.respond(200, b'{"live":true}')

    def version(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /version`."""
        exchange.respond(200, modelport.__version__.encode(), _TEXT)

    def metrics(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /metrics`: Prometheus text, merged over all workers."""
        app = self._app
        live = {
            name: slot for endpoint in app.table.endpoints.values() for name, slot in endpoint.slots.items()
        }
        slots = {name: (slot.place, slot.spec.model, slot.spec.version) for name, slot in live.items()}
        hosted = ((name, slot.dispatcher) for name, slot in live.items())
        body = render(
            app.segment,
            slots,
            version=modelport.__version__,
            revision=app.table.revision,
            memory=app.settings.memory,
            hosts={name: each.standing.cells() for name, each in hosted if isinstance(each, HostDispatcher)},
        )
        exchange.respond(200, body, CONTENT_TYPE.encode())

    def plan(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /debug/plan`: plan, slot states, refusals."""
        exchange.respond(200, _encode(self._describe()))

    def shadow(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /debug/shadow`: how the shadows of this worker answer, beside who answered."""
        exchange.respond(200, _encode(self._compared()))

    def openapi(self, exchange: Exchange, target: Target) -> None:  # noqa: ARG002
        """`GET /openapi.json`. What writes it is imported when it is asked for: no start waits for it."""
        from modelport.serving.http.openapi import document
        from modelport.serving.http.schemas import Described

        described = [
            Described(
                endpoint.name,
                endpoint.arms[-1].manifest.task,
                endpoint.arms[-1].manifest.signature,
                endpoint.arms[-1].manifest.labels,
            )
            for endpoint in self._app.table.endpoints.values()
        ]
        body = document(described, version=modelport.__version__, secured=self._secured())
        exchange.respond(200, _encode(body))
