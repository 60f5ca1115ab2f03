"""Versions of a model."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from modelport.api import answers, intake
from modelport.api.call import Call, Made
from modelport.api.once import once
from modelport.api.operation import ADMIN, OPERATOR, VIEWER, Noun, Operation
from modelport.api.routes.queries import Paged, Register
from modelport.core.pages import Page
from modelport.core.records import Version
from modelport.core.wishes import Registration, VersionChange
from modelport.errors import UnsupportedMedia

noun = Noun("versions")
_PART = 1 << 18
_BYTES = frozenset({"application/octet-stream", "application/zip"})


@noun.operation(
    "POST",
    "/models/{model}/versions",
    OPERATOR,
    status=201,
    answer=Version,
    takes="application/octet-stream",
)
async def register_version(call: Call, model: str, query: Register) -> Response:
    """Register a bundle: 201 with its version, 200 when its identity has one already."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _BYTES:
        msg = f"{kind[:80]!r} is no bundle"
        raise UnsupportedMedia(msg, hint="send the file as application/octet-stream")
    path = call.platform.uploads / f"{uuid.uuid4().hex}.bundle"
    try:
        received = await intake.file(call.request, path, call.surroundings.settings)

        async def work() -> Response:
            made = await call.surroundings.threads.write(partial(_register, call, model, query, path))
            return answers.answered(made, _operation("register_version"), call.request)

        return await once(call, _operation("register_version"), received.sha256.encode(), work)
    finally:
        path.unlink(missing_ok=True)


@noun.operation("GET", "/models/{model}/versions", VIEWER)
def list_versions(call: Call, model: str, query: Paged) -> Page[Version]:
    """Versions of a model, the newest first."""
    return call.platform.registry.versions(call.project, model, limit=query.limit, cursor=query.cursor)


@noun.operation("GET", "/models/{model}/versions/{ref}", VIEWER)
def get_version(call: Call, model: str, ref: str) -> Version:
    """A version by number, label, alias or digest."""
    return call.platform.registry.version(call.project, model, ref)


@noun.operation("PATCH", "/models/{model}/versions/{ref}", OPERATOR)
def change_version(call: Call, model: str, ref: str, body: VersionChange) -> Version:
    """Change label, tags or metrics."""
    return call.platform.registry.change_version(call.author, model, ref, body)


@noun.operation("DELETE", "/models/{model}/versions/{ref}", ADMIN, status=204)
def delete_version(call: Call, model: str, ref: str) -> None:
    """Delete a version; refused while it is deployed or aliased."""
    call.platform.registry.delete_version(call.author, model, ref)


@noun.operation("GET", "/models/{model}/versions/{ref}/bundle", VIEWER, gives="application/octet-stream")
async def download_bundle(call: Call, model: str, ref: str) -> Response:
    """The bundle of a version, as it was registered."""
    registry = call.platform.registry
    version = await run_in_threadpool(registry.version, call.project, model, ref)
    path = await run_in_threadpool(registry.bundle, call.project, model, ref)
    size = (await run_in_threadpool(path.stat)).st_size
    name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{version.model}-{version.number}.bundle")
    headers = {"content-length": str(size), "x-modelport-sha256": version.artifact}
    return answers.attachment(_parts(path), name, "application/octet-stream", headers)


def _register(call: Call, model: str, query: Register, path: Path) -> Made[Version]:
    wish = Registration(query.label, query.new_version, query.parent, query.dataset, query.training_run)
    version, new = call.platform.registry.register(call.author, model, path, wish)
    return Made(version, 201 if new else 200)


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_PART):
            yield part


def _operation(name: str) -> Operation:
    return next(operation for operation in noun.operations if operation.name == name)
