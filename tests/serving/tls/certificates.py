"""Real certificates, made when a test needs them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import trustme


class Paths(NamedTuple):
    """PEM files: a certificate for localhost and 127.0.0.1, its key, and the authority that signed it."""

    cert: str
    key: str
    ca: str


class Authority:
    """Signs certificates for this machine."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def issue(self, folder: Path, name: str = "server") -> Paths:
        """Write a fresh certificate and its key, over those that were there."""
        issued = self._ca.issue_cert("localhost", "127.0.0.1")
        paths = Paths(*(str(folder / f"{name}-{what}.pem") for what in ("cert", "key", "ca")))
        Path(paths.key).write_bytes(issued.private_key_pem.bytes())
        Path(paths.cert).write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        Path(paths.ca).write_bytes(self._ca.cert_pem.bytes())
        return paths
