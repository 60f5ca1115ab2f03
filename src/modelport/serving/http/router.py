"""Finds the handler of a path. What a path means is remembered until the table changes."""

from __future__ import annotations

from urllib.parse import unquote

from modelport.errors import MethodNotAllowed, NotFound, Overloaded
from modelport.serving.http.app import App, Handler, Target
from modelport.serving.http.native import Native
from modelport.serving.http.system import System
from modelport.serving.http.v2 import OpenInference
from modelport.serving.table import LiveEndpoint, Table

_REMEMBERED = 65_536
_LONGEST = 2048
Methods = dict[bytes, Handler]


class Router:
    """Routes of one worker. Every route states its scope; an unknown path needs `admin`."""

    def __init__(self, app: App, native: Native, v2: OpenInference, system: System) -> None:
        self._app = app
        self._v2 = v2
        self._native = native
        self._static: dict[str, tuple[Methods, str]] = {
            "/health": ({b"GET": system.health}, ""),
            "/ping": ({b"GET": system.health}, ""),
            "/live": ({b"GET": system.live}, ""),
            "/v2/health/live": ({b"GET": v2.live}, ""),
            "/v2/health/ready": ({b"GET": v2.ready}, ""),
            "/version": ({b"GET": system.version}, "models:read"),
            "/openapi.json": ({b"GET": system.openapi}, "models:read"),
            "/metrics": ({b"GET": system.metrics}, "metrics"),
            "/debug/plan": ({b"GET": system.plan}, "admin"),
            "/debug/shadow": ({b"GET": system.shadow}, "admin"),
            "/v2": ({b"GET": v2.server_metadata}, "models:read"),
            "/v2/models": ({b"GET": v2.models}, "models:read"),
            "/v2/models/stats": ({b"GET": v2.stats}, "metrics"),
            "/v2/repository/index": ({b"POST": v2.index}, "models:read"),
        }
        self._of_model: dict[str, tuple[Methods, str]] = {
            "": ({b"GET": v2.model_metadata}, "infer"),
            "ready": ({b"GET": v2.model_ready}, "infer"),
            "infer": ({b"POST": v2.infer}, "infer"),
            "stats": ({b"GET": v2.stats}, "metrics"),
            "config": ({b"GET": v2.config}, "infer"),
        }
        self._remembered: dict[bytes, Target] = {}
        self._table: Table | None = None

    def find(self, path: bytes) -> Target:
        """Where a path leads in the present table; a target without handlers when nowhere."""
        table = self._app.table
        if table is not self._table:
            self._remembered = {}
            self._table = table
        target = self._remembered.get(path)
        if target is None:
            target = self._resolve(path, table)
            if target.handlers and len(self._remembered) < _REMEMBERED:
                self._remembered[path] = target
        return target

    def handler(self, target: Target, method: bytes) -> Handler:
        """The handler for a method; raises `NotFound` or `MethodNotAllowed`."""
        if not target.handlers:
            msg = "there is no such route"
            raise NotFound(msg, hint="GET /openapi.json lists the routes")
        handler = target.handlers.get(b"GET" if method == b"HEAD" else method)
        if handler is None:
            raise _wrong_method(target.handlers)
        return handler

    def _resolve(self, path: bytes, table: Table) -> Target:
        text = _clean(path)
        if text is None:
            return _NOWHERE
        if text in self._static:
            handlers, scope = self._static[text]
            return Target(handlers, scope)
        if text in {"/predict", "/batch_predict"}:
            handler = self._native.predict_alone if text == "/predict" else self._native.batch_predict
            return self._alone({b"POST": handler}, table)
        return self._model(text.split("/")[1:], table)

    def _alone(self, handlers: Methods, table: Table) -> Target:
        """A route of a server that has one model; on any other server a caller is told to name the model."""
        only = next(iter(table.endpoints.values())) if len(table.endpoints) == 1 else None
        if only is None:
            return Target({b"POST": self._unnamed}, "models:read")
        return Target(handlers, f"infer:{only.name}", only)

    def _model(self, parts: list[str], table: Table) -> Target:  # noqa: PLR0911 - one line per route
        match parts:
            case ["v1", "models", name, "predict"]:
                model, colon, version = name.partition(":")
                wanted = version or "?" if colon else ""
                return self._named({b"POST": self._native.predict}, "infer", model, wanted, table)
            case ["v1", "models", name, "feedback"]:
                return Target({b"POST": _elsewhere}, f"feedback:{name}")
            case ["v2", "models", name]:
                return self._named(*self._of_model[""], name, "", table)
            case ["v2", "models", name, verb] if verb in self._of_model:
                return self._named(*self._of_model[verb], name, "", table)
            case ["v2", "models", name, "versions", version]:
                return self._named(*self._of_model[""], name, version, table)
            case ["v2", "models", name, "versions", version, verb] if verb in self._of_model:
                return self._named(*self._of_model[verb], name, version, table)
            case ["v2", "repository", "models", _, "load" | "unload" as verb]:
                return Target({b"POST": self._v2.load if verb == "load" else self._v2.unload}, "admin")
        return _NOWHERE

    def _named(self, handlers: Methods, scope: str, name: str, version: str, table: Table) -> Target:
        endpoint: LiveEndpoint | None = table.endpoints.get(name)
        scope = f"infer:{name}" if scope == "infer" else scope
        if endpoint is None:
            return Target(dict.fromkeys(handlers, self._absent), scope)
        if version and not (
            version.isascii() and version.isdigit() and 0 < len(version) < 10 and int(version)
        ):
            return Target(dict.fromkeys(handlers, _no_version), scope)
        return Target(handlers, scope, endpoint, int(version or 0))

    def _absent(self, exchange: object, target: Target) -> None:  # noqa: ARG002
        if not self._app.table.endpoints and not self._app.ready:
            msg = "no model is ready yet"
            raise Overloaded(msg, code="not-ready", hint="GET /health says when")
        msg = "no model of that name is served here"
        raise NotFound(
            msg,
            code="model-not-found",
            hint="GET /v2/models lists what is served",
        )

    def _unnamed(self, exchange: object, target: Target) -> None:  # noqa: ARG002
        self._app.table.only()
        msg = "no model is ready yet"
        raise Overloaded(msg, code="not-ready", hint="GET /health says when")


_NOWHERE = Target({}, "admin")


def _wrong_method(handlers: Methods) -> MethodNotAllowed:
    allowed = sorted({name.decode() for name in handlers} | ({"HEAD"} if b"GET" in handlers else set()))
    error = MethodNotAllowed(f"this route takes {' and '.join(allowed)}")
    error.allowed = tuple(allowed)
    return error


def _no_version(exchange: object, target: Target) -> None:  # noqa: ARG001
    msg = "that is not a version number"
    raise NotFound(msg, code="version-not-found", hint="versions count 1, 2, 3")


def _elsewhere(exchange: object, target: Target) -> None:  # noqa: ARG001
    msg = "feedback is taken by the control plane; a replica keeps none"
    hint = "POST the same to this path of the control API, as Client.feedback does"
    raise NotFound(msg, code="feedback-elsewhere", hint=hint)


def _clean(path: bytes) -> str | None:
    """The path decoded once; None for one that tries to be read in two ways."""
    if len(path) > _LONGEST or b"%2f" in path.lower() or b"%25" in path or b"//" in path:
        return None
    try:
        text = unquote(path.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        return None
    if text != "/" and text.endswith("/"):
        text = text[:-1] if text == "/v2/" else "\x00"
    return None if "\x00" in text or "/." in text else text
