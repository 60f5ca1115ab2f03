"""A control plane with a local replica beside it, until it is told to end: what `modelport up` runs."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from modelport.assembly.files import keep, private
from modelport.assembly.platform import Platform, Where, platform
from modelport.assembly.replica import Local, LocalReplica
from modelport.control.logs import FILE_BYTES, JsonLines
from modelport.control.store.fleets import LOCAL
from modelport.core.wishes import NewKey
from modelport.db.journal import Author
from modelport.errors import SettingsError

REPLICA = "local"
"""The name of the local replica in its fleet."""
STARTED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Up:
    """How `up` is run.

    Attributes:
        where: what is kept where.
        host, control_port: where the control API listens; port 0 takes a free one.
        port: where the replica answers.
        serving: further settings of the replica (`serving.settings.Settings`), as a document.
        guarded: callers of the replica need keys; they always do beyond loopback.
    """

    where: Where
    host: str = "127.0.0.1"
    control_port: int = 8080
    port: int = 8000
    serving: dict[str, Any] = field(default_factory=dict)
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """What was started: where it answers, and the first key, if this start made it.

    `adopted` says that the replica of a control plane that died was found and kept.
    """

    control: str
    url: str
    first_key: str | None
    adopted: bool


class _SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def run(up: Up, started: Callable[[Started], None]) -> None:
    """Run until SIGINT or SIGTERM; then both finish what they have and end.

    `started` is called once, from another thread, when both answer. Raises what `platform` raises, and
    `SettingsError` when the port is taken.
    """
    _log_to(private(up.where.folder) / "logs")
    with _listening(up) as listener, platform(up.where, _SystemClock()) as built:
        url = _url(up.host, listener.getsockname()[1])
        keep(up.where.folder / "control.json", msgspec.json.encode({"url": url}).decode())
        replica = LocalReplica(_local(up, built, url))
        try:
            _serve(up, built, listener, lambda: _announce(built, replica, url, started))
        finally:
            replica.stop()
            (up.where.folder / "control.json").unlink(missing_ok=True)


def _serve(up: Up, built: Platform, listener: socket.socket, announce: Callable[[], None]) -> None:
    from modelport.api.app import app
    from modelport.api.server import server

    serving = server(app(built), up.host, up.control_port)
    threading.Thread(target=announce, name="announce", daemon=True).start()
    with suppress(KeyboardInterrupt):  # what uvicorn raises again after it has ended for it
        serving.run(sockets=[listener])


def _announce(built: Platform, replica: LocalReplica, url: str, started: Callable[[Started], None]) -> None:
    """Start the replica and tell when it was heard of."""
    begun = built.clock.now()
    adopted = not replica.start()
    deadline = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < deadline:
        for seen in built.fleet.replicas("default", LOCAL):
            if seen.name == REPLICA and seen.seen >= begun and seen.url:
                started(Started(url, seen.url, built.first_key, adopted))
                return
        time.sleep(0.05)
    logging.getLogger("modelport.assembly").error("the replica did not report")


def _local(up: Up, built: Platform, url: str) -> Local:
    folder = private(up.where.folder.resolve() / "replica")
    key = folder / "key"
    if not key.exists():
        wish = NewKey(f"replica-{secrets.token_hex(4)}", "service", ("replica",))
        keep(key, built.keys.create(Author("control"), wish).key)
    settings = {
        "host": up.host,
        "port": up.port,
        **up.serving,
        "control": url,
        "control_key": str(key),
        "control_access": up.guarded or not _is_loopback(up.host),
        "fleet": LOCAL,
        "replica": REPLICA,
        "state": str(folder),
        "spool": str(folder / "spool"),
    }
    return Local(folder, up.where.folder.resolve() / "logs" / f"replica-{REPLICA}.log", settings)


def _listening(up: Up) -> socket.socket:
    family = socket.AF_INET6 if ":" in up.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((up.host, up.control_port))
    except OSError as error:
        listener.close()
        msg = f"the control API cannot listen on {up.host} port {up.control_port}: {error.strerror}"
        raise SettingsError(msg, code="address-in-use", hint="choose another with --control-port") from error
    return listener


def _url(host: str, port: int) -> str:
    """Where this machine reaches it: an address that stands for all of them is reached at loopback."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _log_to(folder: Path) -> None:
    """What the control plane logs goes to a file as JSON lines; it is begun anew at 16 MiB."""
    handler = RotatingFileHandler(
        private(folder) / "control.log", maxBytes=FILE_BYTES, backupCount=1, encoding="ascii"
    )
    handler.setFormatter(JsonLines())
    for name, level in (("modelport", "INFO"), ("uvicorn.error", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
