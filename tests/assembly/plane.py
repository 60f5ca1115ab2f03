"""A control plane without a replica, as a process that stops itself (SIGSTOP) where a test asks for it.

    python -m tests.assembly.plane FOLDER PORT [DATABASE [ARTIFACTS]]

Port 0 takes a free one. It stops once, at the fault point that the file `stop` in its folder names.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.assembly.processes import Clock

from modelport.api.app import app
from modelport.api.server import server
from modelport.assembly import run
from modelport.assembly.platform import Where, platform
from modelport.core import faults


def stop(asked: Path, point: str) -> None:
    if asked.exists() and asked.read_text() == point:
        asked.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(0.2)  # another thread may be the first to stop


def main(folder: Path, port: int, *urls: str) -> None:
    """Serve until SIGINT; the first line printed is the address."""
    run._log_to(folder / "logs")
    faults.arm(partial(stop, folder / "stop"))
    with (
        socket.create_server(("127.0.0.1", port), backlog=1024) as listener,
        platform(Where(folder, *urls), Clock()) as built,
        suppress(KeyboardInterrupt),
    ):
        host, taken = listener.getsockname()
        print(f"http://{host}:{taken}", flush=True)
        server(app(built), host, taken).run(sockets=[listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
