"""TLS of the control API: by the rules of the data plane, and a renewed certificate needs no restart."""

from __future__ import annotations

from pathlib import Path

from modelport.serving.log import note
from modelport.serving.tls import certificates, contexts


class Secured:
    """A certificate and its key in PEM files, which are watched (`api.server.Tls`).

    Raises `SettingsError` for files that cannot be used.
    """

    def __init__(self, cert: Path, key: Path) -> None:
        self._files = certificates.CertificateFiles(str(cert), str(key), None)
        self._shown = certificates.usable((cert, key))
        self.context = contexts.context(self._shown)

    async def renew(self) -> None:
        """Show what the files hold from the next connection on, for ever; what cannot be used is logged."""
        async for found in self._files.credentials():
            if found != self._shown:
                contexts.show(self.context, found)
                self._shown = found
                note("certificate renewed")
