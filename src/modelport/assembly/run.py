"""A control plane with a local replica beside it, until it is told to end: what `modelport up` runs."""

from __future__ import annotations

import hashlib
import logging
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import msgspec

from modelport.assembly.files import keep, opener, private
from modelport.assembly.listening import Listening, listening
from modelport.assembly.platform import Platform, Where, platform
from modelport.assembly.replica import Local, LocalReplica, former_control
from modelport.assembly.secured import Secured
from modelport.control.logs import FILE_BYTES, KEPT, JsonLines
from modelport.control.store.fleets import LOCAL
from modelport.core.wishes import NewKey
from modelport.db.journal import Author
from modelport.errors import ModelportError
from modelport.serving.checks import is_loopback

REPLICA = "local"
"""The name of the local replica in its fleet, and the beginning of it where others may share the database."""
STARTED_SECONDS = 60.0
UNENCRYPTED = "--tls-cert and --tls-key, or TLS in front of this server"

_log = logging.getLogger("modelport.assembly")


@dataclass(frozen=True, slots=True)
class Up:
    """How `up` is run.

    Attributes:
        where: what is kept where.
        host, control_port: where the control API listens; port 0 takes a free one.
        port: where the replica answers.
        serving: further settings of the replica (`serving.settings.Settings`), as a document.
        guarded: callers of the replica need keys; they always do beyond loopback.
        tls_cert, tls_key: PEM files; with them both speak TLS, and renewed ones are taken up.
        allow_hosts: names that callers may use for this machine, besides loopback and addresses.
    """

    where: Where
    host: str = "127.0.0.1"
    control_port: int = 8080
    port: int = 8000
    serving: dict[str, Any] = field(default_factory=dict)
    guarded: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    allow_hosts: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether keys and data cross a network that others may read."""
        return self.tls_cert is None and not is_loopback(self.host)


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
    `SettingsError` when the port is taken, TLS cannot be had, or the replica cannot start: with its reason.
    """
    secured = _secured(up)
    name = next((host for host in up.allow_hosts if "*" not in host), "")
    folder = private(up.where.folder)
    _log_to(folder / "logs")
    former = former_control(folder / "replica")
    with (
        listening(up.host, up.control_port, secured=secured is not None, name=name, former=former) as found,
        platform(up.where, _SystemClock()) as built,
    ):
        _say_where(folder, url=found.here)
        replica = LocalReplica(_local(up, built, found.here))

        def answers(known: Started) -> None:
            _say_where(folder, url=found.here, predictions=known.url)
            started(known)

        try:
            _serve(up, found, built, secured, lambda: _announce(built, replica, found.url, answers))
        finally:
            replica.stop()
            (folder / "control.json").unlink(missing_ok=True)


def _say_where(folder: Path, **addresses: str) -> None:
    """Commands typed beside the folder find the control plane and the replica there."""
    keep(folder / "control.json", msgspec.json.encode(addresses).decode())


def _serve(
    up: Up, found: Listening, built: Platform, secured: Secured | None, announce: Callable[[], None]
) -> None:
    """Answer until the end; raises what keeps the replica from starting."""
    from modelport.api.app import app
    from modelport.api.server import server
    from modelport.api.settings import Settings

    settings = Settings(hosts=(*up.allow_hosts, up.host))
    serving = server(app(built, settings), up.host, up.control_port, tls=secured, beside=found.beside)
    failed: list[ModelportError] = []

    def announcing() -> None:
        try:
            announce()
        except ModelportError as error:
            failed.append(error)
            serving.should_exit = True

    if up.is_open:
        _log.warning("unencrypted", extra={"fields": {"hint": UNENCRYPTED}})
    threading.Thread(target=announcing, name="announce", daemon=True).start()
    with suppress(KeyboardInterrupt):  # what uvicorn raises again after it has ended for it
        serving.run(sockets=[found.public])
    if failed:
        raise failed[0]


def _announce(built: Platform, replica: LocalReplica, url: str, started: Callable[[Started], None]) -> None:
    """Start the replica and tell when it was heard of. Raises its own reason when it ends before that."""
    begun, name = built.clock.now(), _name(built.where)
    adopted = not replica.start()
    deadline = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < deadline and replica.ended is None:
        for seen in built.fleet.replicas("default", LOCAL):
            if seen.name == name and seen.seen >= begun and seen.url:
                started(Started(url, seen.url, built.first_key, adopted))
                return
        time.sleep(0.05)
    raise replica.trouble()


def _secured(up: Up) -> Secured | None:
    if up.tls_cert is None or up.tls_key is None:
        return None
    return Secured(up.tls_cert, up.tls_key)


def _local(up: Up, built: Platform, url: str) -> Local:
    folder = private(up.where.folder.resolve() / "replica")
    key = folder / "key"
    if not key.exists():
        wish = NewKey(f"replica-{secrets.token_hex(4)}", "service", ("replica",))
        keep(key, built.keys.create(Author("control"), wish).key)
    log = up.where.folder.resolve() / "logs" / f"replica-{REPLICA}.log"
    settings = {
        "host": up.host,
        "port": up.port,
        "allow_hosts": up.allow_hosts,
        **_tls(up),
        **up.serving,
        "control": url,
        "control_key": str(key),
        "control_access": up.guarded or not is_loopback(up.host),
        "fleet": LOCAL,
        "replica": _name(up.where),
        "state": str(folder),
        "spool": str(folder / "spool"),
        "log_file": str(log),
        "log_bytes": FILE_BYTES,
        "log_kept": KEPT,
    }
    return Local(folder, log, settings)


def _name(where: Where) -> str:
    """The replica's name: on a database of its own, or its own of all that other machines start."""
    if where.database is None:
        return REPLICA
    place = f"{socket.gethostname()} {where.folder.resolve()}"
    return f"{REPLICA}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _tls(up: Up) -> dict[str, str]:
    if up.tls_cert is None or up.tls_key is None:
        return {}
    return {"tls_cert": str(up.tls_cert.resolve()), "tls_key": str(up.tls_key.resolve())}


class _PrivateLog(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="ascii", opener=opener)


def _log_to(folder: Path) -> None:
    """What the control plane logs goes to a file as JSON lines, which is begun anew when it is full."""
    handler = _PrivateLog(private(folder) / "control.log", maxBytes=FILE_BYTES, backupCount=KEPT)
    handler.setFormatter(JsonLines())
    for name, level in (("modelport", "INFO"), ("uvicorn.error", "WARNING")):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level)
