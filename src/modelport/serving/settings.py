"""Every setting of the data plane, its default and its unit. Documented in docs/reference/settings.md."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from modelport.core.plan import CPU, is_device
from modelport.errors import SettingsError
from modelport.serving.log import LEVELS

MIB = 1024 * 1024
GIB = 1024 * MIB
DAY = 86_400.0


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much of anything a caller may send, and how slowly.

    Attributes:
        json_bytes: largest JSON body, after decompression.
        body_bytes: largest body with binary tensors, after decompression.
        header_bytes: request line and headers together.
        headers: number of header lines.
        chunks: number of chunks of a chunked body.
        depth: nesting of JSON.
        rows: rows in one request.
        header_seconds: from the first byte of a request to the end of its headers.
        body_seconds: grace for a body before the minimum rate applies.
        body_rate: fewest bytes per second of a body, averaged from its beginning, after the grace.
        handshake_seconds: from an accepted connection to the end of its TLS handshake.
        handshakes: connections per worker that may be in their TLS handshake at a time.
        idle_seconds: a keep-alive connection without a request.
        write_seconds: a peer that does not read its answer.
        connections: open connections per worker; over it, 503.
    """

    json_bytes: int = 4 * MIB
    body_bytes: int = 64 * MIB
    header_bytes: int = 32 * 1024
    headers: int = 100
    chunks: int = 65_536
    depth: int = 64
    rows: int = 65_536
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    body_rate: int = 1024
    handshake_seconds: float = 10.0
    handshakes: int = 1000
    idle_seconds: float = 75.0
    write_seconds: float = 30.0
    connections: int = 20_000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One replica.

    Attributes:
        bundles: paths of bundles to serve, each as its own model; the plan is made on the spot.
        split: shares of versions, `{"churn": {1: 90, 2: 10}}` in percent; bundles of one name become
            versions 1, 2, ... in the order given.
        shadow: shares of requests repeated at another version after the answer, in percent, as
            `{"churn": {2: 10}}`.
        plan: path of a plan document to serve and watch instead of `bundles`.
        host, port: where to listen; anything but loopback needs keys.
        workers: processes that answer; 0 means one per core.
        keys: path of a key file (`modelport keys create --file`), watched.
        tls_cert, tls_key: paths of the server's certificate chain and its private key, both in PEM form and
            watched; without them the port speaks plain HTTP.
        tls_client_ca: path of the authorities that a client's certificate must come from; None asks for none.
        allow_hosts: Host names answered besides loopback names and IP addresses; `*` answers all.
        queue_rows: most rows waiting per slot and worker; over it, 503.
        queue_target: seconds that calls should wait at most where a queue stands; over it, 503.
        timeout: seconds until a request without its own deadline is answered 504.
        batch_tokens: most tokens in one batch, with their padding, of models that read tokens.
        inline_seconds: a batch predicted to cost less runs on the event loop, else in a thread.
        threads: threads that run batches, per worker; also ONNX Runtime's intra-op threads are `intra_op`.
        intra_op: threads inside one ONNX Runtime session.
        scale: fewest and most instances of models, or of versions as `churn:2`, in one worker; between them
            they follow the load.
        takeover: path of a Unix socket. A replica that listens there hands its port over to this one, and
            this one to the next; None does neither.
        max_requests: a worker that has read so many is replaced by a fresh one; 0 sets no limit.
        max_requests_jitter: up to so many more, at random, so that workers do not go together.
        max_worker_memory: resident bytes of a worker, over which it is replaced; short of that it gives up
            less important work; 0 sets no limit.
        drain_seconds: hard limit of a graceful stop.
        drain_delay: seconds to go on accepting after readiness turned false.
        telemetry: counters and join records on or off.
        spool: folder of the event spool; None keeps no event on disk.
        spool_bytes: most bytes that all workers together keep there; over it, the oldest file goes.
        payload_share: share of requests whose payload is kept, 0 to 1.
        redact: column names whose values never reach the spool.
        memory: bytes for loaded models, shared equally by the workers; 0 sets no limit. With a limit, models
            are loaded when they are asked, and those used least recently go when others need their memory.
        pin: models, or versions as `churn:2`, that are loaded at the start and never let go.
        preload: load what fits into `memory` at the start, in the order given, before it is asked.
        unload_idle: a model that is not pinned and was not asked for so long is let go; 0 keeps it.
        cache: bytes for answers that may be given again, shared equally by the workers; 0 remembers none.
        cache_ttl: seconds an answer may be given again; 0 sets no limit.
        tuning: take size of batches and instances as `modelport tune` wrote them into a bundle, where this
            machine has as many cores as it was measured on.
        allow_python: serve bundles that hold executable code.
        device: where models of `bundles` run: `cpu`, `cuda:0` or `tensorrt:0`.
        host_memory: resident bytes of one model host; over it, it is ended. 0 is 80 % of the machine's.
        host_call_seconds: longest time of one batch in a model host; over it, the host is ended.
        host_start_seconds: longest time until a model host is ready.
        host_calls: a model host is replaced after so many calls; 0 keeps it.
        log_level: debug, info, warning or error.
        access_log: one log line per request.
        limits: see `Limits`.
    """

    bundles: tuple[str, ...] = ()
    split: dict[str, dict[int, int]] = {}
    shadow: dict[str, dict[int, int]] = {}
    plan: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    keys: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    allow_hosts: tuple[str, ...] = ()
    queue_rows: int = 4096
    queue_target: float = 1.0
    timeout: float = 30.0
    batch_tokens: int = 16_384
    inline_seconds: float = 200e-6
    threads: int = 2
    intra_op: int = 1
    scale: dict[str, tuple[int, int]] = {}
    takeover: str | None = None
    max_requests: int = 0
    max_requests_jitter: int = 0
    max_worker_memory: int = 0
    drain_seconds: float = 30.0
    drain_delay: float = 0.0
    telemetry: bool = True
    spool: str | None = None
    spool_bytes: int = 1024 * MIB
    payload_share: float = 0.01
    redact: tuple[str, ...] = ()
    memory: int = 0
    pin: tuple[str, ...] = ()
    preload: bool = True
    unload_idle: float = 0.0
    cache: int = 0
    cache_ttl: float = 0.0
    tuning: bool = True
    allow_python: bool = False
    device: str = CPU
    host_memory: int = 0
    host_call_seconds: float = 60.0
    host_start_seconds: float = 120.0
    host_calls: int = 0
    log_level: str = "info"
    access_log: bool = False
    limits: Limits = msgspec.field(default_factory=Limits)


_LONGEST_MEETING = 88
"""Bytes; the system takes 107, and a socket is made under a longer name at first."""

Range = tuple[float, float]
"""The lowest and the highest value that makes sense."""

RANGES: Mapping[str, Range] = {
    "port": (0, 65_535),
    "workers": (0, 256),
    "queue_rows": (1, 16_777_216),
    "queue_target": (0.001, DAY),
    "timeout": (0.001, DAY),
    "batch_tokens": (1, 16_777_216),
    "inline_seconds": (0, 1),
    "threads": (1, 256),
    "intra_op": (1, 256),
    "max_requests": (0, 10**12),
    "max_requests_jitter": (0, 10**12),
    "max_worker_memory": (0, 1024 * GIB),
    "drain_seconds": (0, DAY),
    "drain_delay": (0, DAY),
    "spool_bytes": (MIB, 1024 * GIB),
    "payload_share": (0, 1),
    "memory": (0, 1024 * GIB),
    "unload_idle": (0, DAY),
    "cache": (0, 1024 * GIB),
    "cache_ttl": (0, DAY),
    "host_memory": (0, 1024 * GIB),
    "host_call_seconds": (0.01, DAY),
    "host_start_seconds": (0.1, DAY),
    "host_calls": (0, 1e15),
}
"""Of every setting that is a number."""

LIMIT_RANGES: Mapping[str, Range] = {
    "json_bytes": (1024, GIB),
    "body_bytes": (1024, 16 * GIB),
    "header_bytes": (1024, MIB),
    "headers": (8, 10_000),
    "chunks": (1, 16_777_216),
    "depth": (1, 512),
    "rows": (1, 16_777_216),
    "header_seconds": (0.01, DAY),
    "body_seconds": (0, DAY),
    "body_rate": (0, GIB),
    "handshake_seconds": (0.01, DAY),
    "handshakes": (1, 1_000_000),
    "idle_seconds": (0.01, DAY),
    "write_seconds": (0.01, DAY),
    "connections": (1, 1_000_000),
}
"""Of every limit."""


def check(settings: Settings) -> Settings:
    """The settings themselves when they are safe and make sense; raises `SettingsError`."""
    if bool(settings.bundles) == bool(settings.plan):
        msg = "give either bundles or a plan file"
        raise SettingsError(msg, hint="modelport serve churn.bundle, or modelport serve --plan plan.json")
    check_reach(settings.host, settings.keys)
    _check_tls(settings)
    _check_ranges(settings, RANGES, "")
    _check_ranges(settings.limits, LIMIT_RANGES, "limits.")
    if settings.log_level not in LEVELS:
        msg = f"log_level is {settings.log_level!r}, which is not a level"
        raise SettingsError(msg, hint=", ".join(LEVELS))
    tls = (settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    if not is_device(settings.device):
        msg = f"{settings.device!r} is not a device"
        raise SettingsError(msg, hint="cpu, cuda:0 or tensorrt:0")
    for path in (settings.plan, settings.keys, *tls, *settings.bundles):
        if path is not None and not Path(path).exists():
            msg = f"{Path(path).name!r} does not exist"
            raise SettingsError(msg, code="no-such-file", hint="check the path")
    if settings.spool is not None:
        _check_writable(Path(settings.spool))
    if settings.takeover is not None:
        _check_meeting(Path(settings.takeover))
    return settings


def check_reach(host: str, keys: str | None) -> None:
    """Raises `SettingsError` for an address beyond this machine without keys."""
    if not is_loopback(host) and keys is None:
        msg = f"refusing to listen on {host} without API keys"
        raise SettingsError(
            msg,
            code="public-without-keys",
            hint="modelport keys create --file keys.json, then --keys keys.json",
        )


def _check_tls(settings: Settings) -> None:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        msg = "TLS needs a certificate and its private key"
        raise SettingsError(msg, code="tls-incomplete", hint="--tls-cert cert.pem --tls-key key.pem")
    if settings.tls_client_ca is not None and settings.tls_cert is None:
        msg = "certificates of clients can be asked for over TLS only"
        raise SettingsError(msg, code="tls-incomplete", hint="--tls-cert cert.pem --tls-key key.pem")


def _check_writable(folder: Path) -> None:
    """Whether this folder, or the first of its parents that is there, lets us write."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        msg = f"the spool {folder.name!r} is not a folder that can be written"
        raise SettingsError(msg, code="not-writable", hint="check the path and its permissions")


def _check_meeting(path: Path) -> None:
    """Whether a Unix socket can be at this path."""
    if not path.parent.is_dir():
        msg = f"there is no folder for the takeover socket {path.name!r}"
        raise SettingsError(msg, code="no-such-file", hint="make the folder, for this user alone")
    if path.exists() and not path.is_socket():
        msg = f"{path.name!r} is there, and is no socket"
        raise SettingsError(msg, code="takeover-failed", hint="--takeover names a socket, made when absent")
    if len(os.fsencode(path)) > _LONGEST_MEETING:
        msg = f"the path of the takeover socket is longer than {_LONGEST_MEETING} bytes"
        raise SettingsError(
            msg, code="takeover-failed", hint="the system takes no longer ones; use a shorter folder"
        )


def _check_ranges(document: msgspec.Struct, ranges: Mapping[str, Range], path: str) -> None:
    defaults = {field.name: field.default for field in msgspec.structs.fields(document)}
    for name, (lowest, highest) in ranges.items():
        value: Any = getattr(document, name)
        if not (isfinite(value) and lowest <= value <= highest):
            msg = f"{path}{name} is {value}, not a number from {lowest:.15g} to {highest:.15g}"
            raise SettingsError(msg, hint=f"its default is {defaults[name]:.15g}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
