"""HTTP/1.1 over a bare socket: sends anything, reads strictly, tells whether the connection was closed."""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [ -~]*")
_FIELD = re.compile(rb"([a-z0-9-]+): ([ -~]*)")
_HEAD_LIMIT = 64 * 1024
_GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)


class NoAnswer(Exception):
    """The connection ended before a whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, by a parser that knows no NaN."""
        return json.loads(self.body, parse_constant=_refuse)

    @property
    def code(self) -> str:
        """The code of a problem document; empty for any other body."""
        known = self.json() if "problem" in self.headers.get("content-type", "") else {}
        return str(known.get("code", ""))


class Raw:
    """One connection. Closes when left; `timeout` is in seconds and holds for each read."""

    def __init__(self, url: str, timeout: float = 10.0, receive: int = 0) -> None:
        where = urlsplit(url)
        self.sock = socket.socket()
        if receive:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect((where.hostname or "", where.port or 0))
        except OSError:
            self.sock.close()
            raise
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sock.close()

    def send(self, *pieces: bytes, pause: float = 0.0) -> bool:
        """Send pieces, `pause` seconds apart; whether the peer took them all."""
        try:
            for piece in pieces:
                self.sock.sendall(piece)
                if pause:
                    time.sleep(pause)
        except _GONE:
            return False
        return True

    def read(self, *, head: bool = False) -> Answer:
        """The next answer, in strict form; raises `NoAnswer` when the connection ends before it is whole.

        `head` says that the request was a HEAD, whose answer has no body.
        """
        start, *lines = self._until(b"\r\n\r\n").split(b"\r\n")
        found = _STATUS.fullmatch(start)
        assert found, start[:200]
        fields = [_FIELD.fullmatch(line) for line in lines]
        assert all(fields), lines
        pairs = [(field[1].decode(), field[2].decode()) for field in fields if field]
        headers = dict(pairs)
        assert len(pairs) == len(headers), f"a header is there twice: {pairs}"
        if found[1] == b"100":
            return self.read(head=head)
        return Answer(int(found[1]), headers, self._exactly(0 if head else int(headers["content-length"])))

    def ask(self, request: bytes) -> Answer:
        """Send one request and read its answer, which may come before the request was taken whole."""
        self.send(request)
        return self.read()

    def closed(self, seconds: float = 5.0) -> bool:
        """Whether the peer closes within `seconds` and sends nothing more before."""
        self.sock.settimeout(seconds)
        try:
            return not self._held and not self.sock.recv(1)
        except _GONE:
            return True
        except TimeoutError:
            return False

    def gone(self) -> bool:
        """Whether the peer has closed already, which a pool of connections sees before it uses one again."""
        if not select.select([self.sock], [], [], 0)[0]:
            return False
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except _GONE:
            return True

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._held:
            assert len(self._held) < _HEAD_LIMIT, "an endless head"
            self._more()
        head, _, self._held = self._held.partition(mark)
        return head

    def _exactly(self, size: int) -> bytes:
        parts, have = [self._held], len(self._held)
        while have < size:
            self._held = b""
            self._more()
            parts.append(self._held)
            have += len(self._held)
        whole = b"".join(parts)
        self._held = whole[size:]
        return whole[:size]

    def _more(self) -> None:
        try:
            data = self.sock.recv(1 << 20)
        except _GONE as error:
            raise NoAnswer(str(error)) from error
        if not data:
            msg = f"closed after {self._held[:200]!r}"
            raise NoAnswer(msg)
        self._held += data


def request(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    kind: str | None = "application/json",
) -> bytes:
    """A well-formed request; `kind` None sends no content type, `headers` add and replace."""
    fields = {"host": "localhost"}
    if method == "POST":
        fields["content-length"] = str(len(body))
        if kind is not None:
            fields["content-type"] = kind
    fields |= headers or {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def post(path: str, document: Any, **headers: str) -> bytes:
    """A JSON document, posted; `_` in header names is written `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return request("POST", path, json.dumps(document).encode(), named)


def chunked(path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of a chunked request."""
    yield (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        "transfer-encoding: chunked\r\n\r\n"
    ).encode()
    for chunk in chunks:
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield b"0\r\n\r\n"


def _refuse(constant: str) -> None:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)
