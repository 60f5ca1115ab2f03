"""The transport's floor: parse the request, answer a constant, know nothing of models."""

from __future__ import annotations

import asyncio
import os

import httptools
import uvloop

BODY = b'{"model_name":"bench","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[0]}]}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


class Constant(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        self.body.append(part)

    def on_message_complete(self) -> None:
        self.body.clear()
        self.transport.write(ANSWER)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Constant, "127.0.0.1", int(os.environ["BENCH_PORT"]))
    await server.serve_forever()


uvloop.run(main())
