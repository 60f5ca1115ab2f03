"""A worker process: `python -m modelport.serving.replica.worker FD`, started by the supervisor alone.

It imports the server only after it has its boot record, lives as long as the channel to its supervisor, and
leaves signals that stop a replica to the supervisor.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Awaitable, Callable

from modelport.serving.replica import child
from modelport.serving.replica.channel import Channel, open_channel, receive_boot
from modelport.serving.replica.messages import Boot

Serve = Callable[[Boot, Channel], Awaitable[None]]


def main(argv: list[str], serve: Serve | None = None) -> int:
    """Serve until told to drain; the exit code. `serve` is the server's own unless a test brings another."""
    child.leave_signals_to_the_supervisor()
    wire = socket.socket(fileno=int(argv[1]))
    try:
        boot = receive_boot(wire, Boot)
    except EOFError:
        return child.ORPHANED
    child.watch_lifeline(wire, lambda: os._exit(child.ORPHANED))
    return child.run(_serve(boot, wire, serve or _server()))


async def _serve(boot: Boot, wire: socket.socket, serve: Serve) -> int:
    channel = await open_channel(wire)
    await serve(boot, channel)
    await channel.flush()
    channel.close()
    return 0


def _server() -> Serve:
    from modelport.serving.server import serve

    return serve


if __name__ == "__main__":
    sys.exit(main(sys.argv))
