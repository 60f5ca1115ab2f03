"""What callers send: shapes, limits, slowness, cut and changed files."""

from __future__ import annotations

import hashlib
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import Served, serving
from tests.registry.bundles import made

from modelport.api.settings import Settings
from modelport.client.control import Control
from modelport.client.retry import Retries
from modelport.errors import DiskFull


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Short times and small sizes."""
    return Settings(receipt=0.5, document_bytes=10_000, bundle_bytes=100_000, slowest=1000)


def connected(served: Served) -> socket.socket:
    url = httpx.URL(served.url)
    return socket.create_connection((url.host, url.port or 80), timeout=20)


def register(served: Served, body: bytes, **headers: str) -> httpx.Response:
    kind = {"content-type": "application/octet-stream"}
    with served.http() as http:
        return http.post("/api/v1/models/churn/versions", content=body, headers={**kind, **headers})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed-json"),
        (b"{", 400, "malformed-json"),
        (b"\xff", 400, "malformed-json"),
        (b"[" * 5000, 422, "invalid-document"),
        (b'{"nme": "churn"}', 422, "invalid-document"),
        (b'{"name": 7}', 422, "invalid-document"),
        (b'{"name": "../../etc"}', 400, "invalid-name"),
        (b'{"name": "' + b"a" * 20_000 + b'"}', 413, "body-too-large"),
    ],
)
def test_what_is_no_document_of_ours_is_refused_with_its_reason(
    served: Served, body: bytes, status: int, code: str
) -> None:
    with served.http(**{"content-type": "application/json"}) as http:
        answer = http.post("/api/v1/models", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_place_of_a_fault_is_named(served: Served) -> None:
    with served.http() as http:
        answer = http.post("/api/v1/models", json={"name": "churn", "tags": {"a": 1}})
    assert answer.json()["errors"][0]["pointer"] == "/tags"


def test_forms_and_pickles_are_not_read(served: Served) -> None:
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "application/python-pickle"):
        with served.http(**{"content-type": kind}) as http:
            assert http.post("/api/v1/models", content=b"name=churn").status_code == 415
        assert register(served, b"cos\nsystem", **{"content-type": kind}).status_code == 415


def test_unknown_parameters_of_a_query_are_refused(served: Served) -> None:
    with served.http() as http:
        for query in ("limits=5", "limit=0", "limit=x", "limit=5&limit=6", "tag=novalue", "cursor=%00"):
            assert http.get(f"/api/v1/models?{query}").status_code == 400, query


def test_a_bundle_is_received_once_and_comes_back_as_it_was(served: Served, tmp_path: Path) -> None:
    bundle = made(tmp_path, 2.0).read_bytes()
    first, again = register(served, bundle), register(served, bundle)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["artifact"] == hashlib.sha256(bundle).hexdigest()
    with served.http() as http:
        got = http.get(f"/api/v1/models/churn/versions/{first.json()['number']}/bundle")
    assert got.content == bundle
    assert got.headers["content-disposition"].startswith("attachment")
    assert list(served.platform.uploads.iterdir()) == []


def test_a_bundle_that_is_not_what_was_declared_leaves_nothing(served: Served, tmp_path: Path) -> None:
    bundle = made(tmp_path, 3.0).read_bytes()
    changed = register(served, bundle, **{"x-modelport-sha256": "0" * 64})
    assert (changed.status_code, changed.json()["code"]) == (400, "digest-mismatch")
    assert register(served, b"x" * 100_001).status_code == 413
    assert register(served, b"no bundle").status_code == 400
    assert list(served.platform.uploads.iterdir()) == []


@contextmanager
def files_of(size: int) -> Iterator[None]:
    """No file of this process may be larger: what is written to beyond fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_upload_that_finds_no_room_is_told_so_and_leaves_nothing(roomy: Served, tmp_path: Path) -> None:
    large = tmp_path / "large.bundle"
    large.write_bytes(bytes(60 << 20))
    with Control(roomy.url, key=roomy.key, retries=Retries(attempts=1)) as control:
        with files_of(8 << 20), pytest.raises(DiskFull) as full:
            control.versions.register("full", large)
        assert (full.value.status, full.value.code) == (507, "disk-full")
        assert list(roomy.platform.uploads.iterdir()) == []
        assert control.versions.register("full", made(tmp_path, 2.0)).number == 1


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Served]:
    """As users have it."""
    (tmp_path / "api").mkdir()
    with serving(tmp_path / "api", Settings()) as found:
        yield found


@pytest.mark.parametrize("sixteenth", [1, 8, 15])
def test_an_upload_that_is_cut_is_never_visible(served: Served, tmp_path: Path, sixteenth: int) -> None:
    bundle = made(tmp_path, 4.0 + sixteenth).read_bytes()
    head = (
        f"POST /api/v1/models/cut/versions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.key}"
        f"\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(bundle)}\r\n\r\n"
    )
    with connected(served) as line:
        line.sendall(head.encode() + bundle[: len(bundle) * sixteenth // 16])
    for _ in range(100):
        time.sleep(0.02)
        if not list(served.platform.uploads.iterdir()):
            break
    assert list(served.platform.uploads.iterdir()) == []
    with served.http() as http:
        assert http.get("/api/v1/models/cut/versions").status_code == 404


def test_a_body_that_drips_is_cut_off(served: Served) -> None:
    head = (
        f"POST /api/v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {served.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    with connected(served) as line:
        line.sendall(head.encode())
        assert line.makefile("rb").readline().split()[1] == b"408"


def test_a_head_that_drips_is_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelport.api.server.HEAD_SECONDS", 0.3)
    with connected(served) as line:
        line.sendall(b"GET /live HTTP/1.1\r\nHost: local")
        assert line.recv(100) == b""


def test_a_head_without_end_is_refused(served: Served) -> None:
    with connected(served) as line:
        line.sendall(b"GET /live HTTP/1.1\r\nX-Long: " + b"a" * 200_000)
        assert line.recv(100).split()[1] == b"400"


@pytest.fixture
def dripping(served: Served) -> Iterator[None]:
    """Somebody uploads very slowly meanwhile."""
    ended = threading.Event()

    def drip() -> None:
        with connected(served) as line:
            line.sendall(b"POST /api/v1/models HTTP/1.1\r\n")
            ended.wait()

    thread = threading.Thread(target=drip)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_somebody_slow_holds_up_nobody(served: Served, dripping: None) -> None:
    with served.http() as http:
        assert http.get("/live").status_code == 200


def test_problem_documents_are_those_of_the_data_plane(served: Served) -> None:
    with served.http() as http:
        answer = http.get("/api/v1/models/absent")
    problem = json.loads(answer.content)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code == 404
    assert problem["error"] == problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["type"] == f"urn:modelport:error:{problem['code']}"
