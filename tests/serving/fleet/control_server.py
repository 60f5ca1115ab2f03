"""A small control server over a folder, in a process of its own: `python control_server.py PORT FOLDER`.

It answers polls with `plan.json` and `access.json` as they are now, keeps the newest report as `report.json`
and all of them in `reports.jsonl`, and does what `fault` says instead: `500`, `garbage`, `half`, `slow` or
`long`.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

FOLDER = Path()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        name = where.path.rpartition("/")[2]
        query = {key: values[0] for key, values in parse_qs(where.query).items()}
        if self._fault():
            return
        end = time.monotonic() + float(query["wait"])
        while (body := newer(name, query.get("after", ""))) is None and time.monotonic() < end:
            time.sleep(0.02)
            if (FOLDER / "fault").exists():
                break
        if body is None:
            self._send(304, b"")
        else:
            self._send(200, body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._fault():
            return
        with (FOLDER / "reports.jsonl").open("ab") as file:
            file.write(body + b"\n")
        fresh = FOLDER / "report.new"
        fresh.write_bytes(body)
        fresh.replace(FOLDER / "report.json")
        (FOLDER / "authorization").write_text(self.headers.get("authorization", ""))
        self._send(200, json.dumps({"plan": revision("plan"), "access": revision("access") or 0}).encode())

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._fault():
            return
        where = urlsplit(self.path)
        offset = int(parse_qs(where.query)["offset"][0])
        file = FOLDER / "spool" / where.path.rpartition("/")[2]
        file.parent.mkdir(exist_ok=True)
        file.touch()
        there = file.stat().st_size
        if offset == there:
            with file.open("ab") as out:
                out.write(body)
        self._send(200, json.dumps({"offset": file.stat().st_size}).encode())

    def _fault(self) -> bool:
        """Whether something else is done than what was asked."""
        try:
            fault = (FOLDER / "fault").read_text()
        except OSError:
            return False
        if fault == "500":
            self._send(500, b'{"detail": "the database is away"}')
        elif fault == "garbage":
            self._send(200, b"\x00\xffnot json at all")
        elif fault == "half":
            self._send(200, b'{"revision": {"epoch": 9', claimed=1000)
            self.close_connection = True
        elif fault == "long":
            self._send(200, b"[" + b"0," * (9 << 20) + b"0]")
        elif fault == "slow":
            time.sleep(60)
        return True

    def _send(self, status: int, body: bytes, claimed: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body) if claimed is None else claimed))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


def newer(name: str, after: str) -> bytes | None:
    try:
        body = (FOLDER / f"{name}.json").read_bytes()
    except OSError:
        return None
    return body if _written(revision(name)) != after else None


def revision(name: str) -> Any:
    try:
        return json.loads((FOLDER / f"{name}.json").read_bytes())["revision"]
    except OSError:
        return None


def _written(known: Any) -> str:
    return f"{known['epoch']}-{known['number']}" if isinstance(known, dict) else str(known)


class Server(ThreadingHTTPServer):
    """Quiet when a replica goes."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing to say."""


if __name__ == "__main__":
    FOLDER = Path(sys.argv[2])
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    (FOLDER / "port").write_text(str(server.server_port))
    server.serve_forever()
