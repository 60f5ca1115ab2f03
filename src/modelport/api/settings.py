"""How the control API behaves: one frozen value, checked where it is made."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and names of the control API.

    Attributes:
        hosts: names that callers may use for it besides loopback and addresses; `*.example.org` and `*` work.
        document_bytes: largest JSON body.
        bundle_bytes: largest bundle that is received.
        spool_bytes: most that a replica ships of its spool in one request.
        receipt: seconds within which a JSON body is there, and within which a part of a bundle follows the
            one before.
        slowest: bytes per second that a bundle keeps at least, after a grace of one `receipt`.
        longest_wait: seconds that a long poll is held at most.
        heartbeat: seconds between signs of life of a live view.
    """

    hosts: tuple[str, ...] = ()
    document_bytes: int = MIB
    bundle_bytes: int = 16 * GIB
    spool_bytes: int = 16 * MIB
    receipt: float = 20.0
    slowest: int = 4096
    longest_wait: float = 60.0
    heartbeat: float = 15.0
