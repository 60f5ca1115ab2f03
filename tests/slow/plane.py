"""A control plane without a replica, as a process: `python -m tests.slow.plane FOLDER [DATABASE_URL]`."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from modelport.api.app import app
from modelport.api.server import server
from modelport.assembly.platform import Where, platform


class Clock:
    """Implements `core.clock.Clock`."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def main(folder: str, database: str | None = None) -> None:
    """Serve on a free port until SIGINT; the first line printed is the address."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listener,
        platform(Where(Path(folder), database), Clock()) as built,
        suppress(KeyboardInterrupt),
    ):
        host, port = listener.getsockname()
        print(f"http://{host}:{port}", flush=True)
        server(app(built), host, port).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
