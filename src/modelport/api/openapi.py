"""The OpenAPI 3.1 document, made of the table of operations and the structs they name."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import msgspec

from modelport import __version__
from modelport.api.examples import BODIES, PARTS
from modelport.api.operation import FREE, SAFE, Operation
from modelport.api.shown import shown
from modelport.core import names
from modelport.core.described import PROBLEM, Schema, failed, failures

_NAME: Schema = {"type": "string", "pattern": names.PATTERN}
_REF = "#/components/schemas/{name}"
_ERRORS = {
    400: "Not understandable.",
    401: "No key, or one that is not known.",
    403: "The key may not do this.",
    404: "No such thing in the key's project.",
    408: "The body arrived too slowly.",
    409: "What is there does not allow it.",
    412: "It has changed since it was looked at.",
    413: "The body is too large.",
    415: "Not a content type that is read here.",
    421: "Not a host that is answered for.",
    422: "Understood, but not valid.",
    428: "Say with If-Match what was looked at.",
    429: "Over the caller's limit; Retry-After says when to come back.",
    500: "The server failed.",
    503: "Busy or not ready; Retry-After says when to come back.",
    507: "No room to keep it.",
}
_ALWAYS = (400, 421, 500, 503)
_KEYED = (401, 403, 429)
_SENT = (408, 409, 412, 413, 415, 422, 507)
_PROBLEM: Schema = {
    **PROBLEM,
    "example": {
        "type": "urn:modelport:error:model-not-found",
        "title": "Model not found",
        "status": 404,
        "detail": "there is no model 'chrun'",
        "code": "model-not-found",
        "request_id": "4f1c2f0e8d5b4a7e9c3d2b1a0f6e5d4c",
        "error": "there is no model 'chrun'",
        "hint": "GET /api/v1/models lists them",
    },
}


@functools.cache
def written() -> bytes:
    """The document of this API as JSON."""
    from modelport.api.routes import NOUNS

    return msgspec.json.encode(document([operation for noun in NOUNS for operation in noun.operations]))


def document(operations: Iterable[Operation]) -> Schema:
    """The whole document."""
    table = tuple(operations)
    shapes = [shape for one in table for shape in (one.body, one.answer) if shape is not None]
    schemas, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    of = dict(zip(map(id, shapes), schemas, strict=True))
    paths: Schema = {}
    for one in table:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Modelport control API",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "responses": failures(_ERRORS),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "mp_live_…"}},
        },
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(one.noun for one in table)],
    }


def _operation(one: Operation, of: dict[int, Schema]) -> Schema:
    described: Schema = {
        "operationId": one.name,
        "summary": one.summary,
        "description": needed(one),
        "tags": [one.noun],
        "parameters": [*_parts(one), *_queries(one), *_headers(one)],
        "responses": {**_answers(one, of), **_failures(one)},
    }
    body = _body(one, of)
    if body:
        described["requestBody"] = body
    if one.needs.role is None:
        described["security"] = []
    return described


def needed(one: Operation) -> str:
    """In words, who may."""
    if one.needs.role is None:
        return "Everyone may."
    scope = f", or a service key with the scope `{one.needs.scope}`" if one.needs.scope else ""
    whole = " in the project `default`" if one.needs.whole else ""
    return f"Needs the role `{one.needs.role}`{whole}{scope}."


def _parts(one: Operation) -> list[Schema]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1} if name in FREE else _NAME,
            "example": PARTS[name],
        }
        for name in one.parameters
    ]


def _queries(one: Operation) -> list[Schema]:
    if one.query is None:
        return []
    _, components = msgspec.json.schema_components([one.query], ref_template=_REF)
    shape = components[one.query.__name__]
    required = set(shape.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in shape["properties"].items()
    ]


def _headers(one: Operation) -> list[Schema]:
    names = {"X-Request-Id": "Echoed; made when it is left out."}
    if one.method == "POST":
        names["Idempotency-Key"] = "Makes a repetition of this request have no further effect."
    if one.method in {"PUT", "DELETE"}:
        names["If-Match"] = "The ETag that the thing must have, or *."
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in names.items()
    ]


def _body(one: Operation, of: dict[int, Schema]) -> Schema | None:
    if one.takes:
        return {"required": True, "content": {one.takes: {"schema": {"type": "string", "format": "binary"}}}}
    if one.body is None:
        return None
    example = msgspec.to_builtins(BODIES[one.name])
    return {
        "required": True,
        "content": {"application/json": {"schema": of[id(one.body)], "example": example}},
    }


def _answers(one: Operation, of: dict[int, Schema]) -> Schema:
    answer: Schema = {"description": one.summary}
    if one.gives:
        answer["content"] = {one.gives: {"schema": {"type": "string"}}}
    elif one.answer is not None:
        answer["content"] = {"application/json": {"schema": of[id(one.answer)], **_example(one.answer)}}
    answers = {str(one.status): answer}
    if one.name == "register_version":
        answers["200"] = {**answer, "description": "The version that this identity has already."}
    if one.name.startswith("poll_"):
        answers["304"] = {"description": "Nothing newer came."}
    return answers


def _example(shape: Any) -> Schema:
    example = shown(shape)
    return {} if example is None else {"example": msgspec.to_builtins(example, str_keys=True)}


def _failures(one: Operation) -> Schema:
    known = {*_ALWAYS}
    if one.needs.role is not None:
        known |= {*_KEYED}
    if "{" in one.path:
        known.add(404)
    if one.method not in SAFE:
        known |= {*_SENT}
    if one.name == "delete_deployment":
        known.add(428)
    if one.name == "bootstrap":
        known.add(401)
    return {str(status): failed(status) for status in sorted(known)}
