"""One model host process: started from nothing but its arguments and inherited descriptors, and watched."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import IO

import msgspec

from modelport.core.plan import SlotSpec
from modelport.serving.hosts.board import BEAT, BUSY, CALLS, DOOM, RESIDENT, Board
from modelport.serving.hosts.judge import Bounds, Sight
from modelport.serving.hosts.messages import FromHost, HostBoot, Retire, ToHost
from modelport.serving.hosts.speech import Speech
from modelport.serving.replica import workers
from modelport.serving.replica.channel import Framed, frame
from modelport.serving.replica.messages import Door
from modelport.serving.replica.processes import glimpse

MODULE = "modelport.serving.hosts.host"
_BACKLOG = 256
_STDERR = 2


class Host:
    """A host process of this replica, alive or dead.

    Attributes:
        door: where workers knock.
        row: its row of the board.
        exit: its exit code, once it has one; negative for a signal.
        word: what it said first: `Ready` or `Unfit`.
        worn: set once it is better replaced.
        ready: whether it takes calls.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        channel: Framed[ToHost, FromHost],
        board: Board,
        *,
        door: Door,
        folder: str,
    ) -> None:
        self._process = process
        self._channel = channel
        self._board = board
        self._folder = folder
        self.door = door
        self.row = door.row
        self.exit: asyncio.Task[int] = asyncio.create_task(self._ended())
        self.word: asyncio.Task[FromHost | None] = asyncio.create_task(_first(channel))
        self.worn = asyncio.Event()
        self.ready = False
        self._started = self._moved = monotonic()
        self._fresh = 0

    @property
    def pid(self) -> int:
        """Its process id, which nobody else can have until `exit` is done."""
        return self._process.pid

    def listen(self, output: IO[bytes], slot: str) -> None:
        """Read what it prints, into the log."""
        reading = asyncio.get_running_loop().connect_read_pipe(lambda: Speech(slot), output)
        self._reading = asyncio.create_task(reading)

    def accept(self) -> None:
        """It is ready: from now on it is measured by what it holds now."""
        self.ready = True
        self._fresh = self._board.get(self.row, RESIDENT)

    def look(self, now: float) -> Sight:
        """What is seen of it now."""
        seen = glimpse(self.pid)
        if seen is not None:
            self._board.put(self.row, RESIDENT, seen.resident)
            if not seen.stopped:
                self._moved = now
        beat, busy = (self._board.get(self.row, cell) / 1e9 for cell in (BEAT, BUSY))
        return Sight(
            started=self._started,
            moved=self._moved,
            ready=self.ready,
            beat=beat,
            busy=busy,
            resident=self._board.get(self.row, RESIDENT),
            fresh=self._fresh or self._board.get(self.row, RESIDENT),
            calls=self._board.get(self.row, CALLS),
        )

    def retire(self) -> None:
        """Let it go as soon as the last worker has left it."""
        self._channel.send(Retire())

    def kill(self, doom: int = 0) -> None:
        """End it now, with all that it started. Workers that lose it find the reason on the board."""
        self._board.put(self.row, DOOM, doom)
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def _ended(self) -> int:
        code = await workers.exit_code(self._process)
        self._kill()  # children that it left behind
        self._channel.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return code


@dataclass(frozen=True, slots=True)
class Terms:
    """What every host of a replica is started with: the settings (JSON), what it may take, the board, and the
    token that lets workers in."""

    settings: bytes
    bounds: Bounds
    board: Board
    token: bytes


async def start(spec: SlotSpec, terms: Terms, *, module: str = MODULE) -> Host:
    """Start a host of a slot. Raises `OSError` when the machine, or the board, has no room for one."""
    board = terms.board
    address = b"\0modelport-" + secrets.token_hex(16).encode()
    ours, theirs = socket.socketpair()
    with theirs, _listening(address) as listen:
        channel = await _channel(ours)
        # Nothing is awaited from here on: a start that is cancelled leaves no process nobody knows of.
        row = board.take()
        log, folder = os.dup(_STDERR), tempfile.mkdtemp(prefix="modelport-")
        try:
            boot = HostBoot(terms.settings, spec, listen.fileno(), board.fd, row, terms.token, log)
            ours.send(frame(msgspec.json.encode(boot)))
            process, output = _spawn(theirs, boot, folder, module)
        except OSError:
            channel.close()
            board.give(row)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.close(log)
    host = Host(process, channel, board, door=Door(address, row), folder=folder)
    host.listen(output, spec.id)
    return host


async def _channel(sock: socket.socket) -> Framed[ToHost, FromHost]:
    sock.setblocking(False)
    streams = await asyncio.open_unix_connection(sock=sock)
    return Framed(*streams, msgspec.msgpack.Decoder(FromHost))


async def _first(channel: Framed[ToHost, FromHost]) -> FromHost | None:
    """What a host says first; None when it ends without a word."""
    async for message in channel:
        return message
    return None


def _listening(address: bytes) -> socket.socket:
    """Without a place in the file system: there is nothing to clean up. Whoever reaches the address must know
    the token.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.bind(address)
    sock.listen(_BACKLOG)
    sock.setblocking(False)
    return sock


def _spawn(
    wire: socket.socket, boot: HostBoot, folder: str, module: str
) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Its own process group: Ctrl-C reaches only the supervisor, and what the model starts dies with it.

    Temporary files of the model go to a folder that is removed with it.
    """
    ours, theirs = os.pipe()
    output = os.fdopen(ours, "rb", buffering=0)
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(wire.fileno())],
            pass_fds=(wire.fileno(), boot.listen, boot.board, boot.log),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TMPDIR": folder, "PYTHONUNBUFFERED": "1"},
            process_group=0,
        )
    except BaseException:
        output.close()
        raise
    finally:
        os.close(theirs)
    return process, output
