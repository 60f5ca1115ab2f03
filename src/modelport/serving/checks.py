"""Which settings are safe and make sense: ranges of numbers, addresses, and paths that must be there."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from modelport.core.names import check_name
from modelport.core.plan import is_device
from modelport.errors import SettingsError
from modelport.serving.log import LEVELS
from modelport.serving.settings import GIB, MIB, Settings

DAY = 86_400.0

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
    "bundle_bytes": (MIB, 1024 * GIB),
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
    "log_bytes": (4096, 1024 * GIB),
    "log_kept": (0, 100),
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
    if sum(map(bool, (settings.bundles, settings.plan, settings.control))) != 1:
        msg = "give either bundles, a plan file or a control plane"
        raise SettingsError(
            msg, hint="modelport serve churn.bundle, or --plan plan.json, or --control http://127.0.0.1:8080"
        )
    check_reach(settings.host, guarded=settings.guarded)
    _check_control(settings)
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
    for path in (
        settings.plan,
        settings.keys,
        settings.control_key,
        settings.control_ca,
        *tls,
        *settings.bundles,
    ):
        if path is not None and not Path(path).exists():
            msg = f"{Path(path).name!r} does not exist"
            raise SettingsError(msg, code="no-such-file", hint="check the path")
    if settings.spool is not None:
        _check_writable(Path(settings.spool))
    if settings.log_file is not None and not Path(settings.log_file).absolute().parent.is_dir():
        msg = f"there is no folder for the log file {Path(settings.log_file).name!r}"
        raise SettingsError(msg, code="no-such-file", hint="make the folder, or name another")
    if settings.takeover is not None:
        _check_meeting(Path(settings.takeover))
    return settings


def check_reach(host: str, *, guarded: bool) -> None:
    """Raises `SettingsError` for an address beyond this machine where callers need no keys."""
    if not is_loopback(host) and not guarded:
        msg = f"refusing to listen on {host} without API keys"
        raise SettingsError(
            msg,
            code="public-without-keys",
            hint="modelport keys create --file keys.json, then --keys keys.json",
        )


def _check_control(settings: Settings) -> None:
    """Whether this is how to reach a control plane, and the names are names."""
    if settings.control is None:
        return
    parts = urlsplit(settings.control)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        msg = "the control plane is named by something that is no URL of one"
        raise SettingsError(msg, code="bad-control-url", hint="--control http://127.0.0.1:8080")
    check_name(settings.fleet, "fleet")
    if settings.replica:
        check_name(settings.replica, "replica")


def check_tls(cert: object | None, key: object | None) -> None:
    """Raises `SettingsError` (`tls-incomplete`) for one of the two without the other."""
    if (cert is None) != (key is None):
        msg = "TLS needs a certificate and its private key"
        raise SettingsError(msg, code="tls-incomplete", hint="--tls-cert cert.pem --tls-key key.pem")


def _check_tls(settings: Settings) -> None:
    check_tls(settings.tls_cert, settings.tls_key)
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
