"""S3 servers for tests: a real one, and one that does nothing right."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest


@contextmanager
def serving() -> Iterator[str]:
    """A real S3 server; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    finally:
        server.stop()


def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a new bucket; the environment leads to its server."""
    lead(server, monkeypatch)
    return new_bucket(server)


def new_bucket(server: str) -> str:
    """URL of a new bucket."""
    name = f"models-{uuid.uuid4().hex[:12]}"
    assert httpx.put(f"{server}/{name}").status_code == 200
    return f"s3://{name}"


def lead(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment leads to this server."""
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)


def environment(server: str) -> dict[str, str]:
    """Credentials and endpoint, as the tools of S3 read them."""
    return {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }


class Broken(BaseHTTPRequestHandler):
    """Answers every request with one status, or, as 0, never."""

    def _answer(self) -> None:
        status, counted, over = self.server.told  # type: ignore[attr-defined]
        counted.append(self.command)
        if status == 0:
            over.wait(20)
            return
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815 - named by the library

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def broken(status: int) -> Iterator[tuple[str, list[str]]]:
    """A server that answers so; its address, and the requests that came."""
    counted: list[str] = []
    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    server.told = (status, counted, over)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", counted
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
