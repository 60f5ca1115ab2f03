"""Secrets at rest: AES-256-GCM, bound to the project and name they were kept under (NIST SP 800-38D).

A sealed value is one byte of format, four of the key's own digest, twelve of nonce, then the ciphertext. So a
value that was sealed with another key is told from a damaged one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from modelport.errors import SettingsError, StorageDamaged

VARIABLE = "MODELPORT_SECRET_KEY"
_FORMAT = b"\x01"
_MARK, _NONCE, _KEY = 4, 12, 32


class Sealer:
    """Seals and opens with one key. Thread-safe."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._mark = hashlib.sha256(key).digest()[:_MARK]

    def seal(self, value: str, place: str) -> bytes:
        """The value as it is kept; `place` must be the same to open it."""
        nonce = os.urandom(_NONCE)
        return _FORMAT + self._mark + nonce + self._cipher.encrypt(nonce, value.encode(), place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """The value; raises `SettingsError` (`secret-key-wrong`) or `StorageDamaged` (`secret-damaged`)."""
        from cryptography.exceptions import InvalidTag

        if sealed[1 : 1 + _MARK] != self._mark:
            hint = f"start with the key file it was kept with, or its {VARIABLE}; or keep the secret again"
            msg = "the secret was kept with another key"
            raise SettingsError(msg, code="secret-key-wrong", hint=hint)
        begin = 1 + _MARK
        nonce, ciphertext = sealed[begin : begin + _NONCE], sealed[begin + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, place.encode()).decode()
        except InvalidTag:
            msg = "the secret is not what was kept"
            raise StorageDamaged(msg, code="secret-damaged", hint="keep it again") from None


def load(environment: Mapping[str, str], file: Path) -> Sealer:
    """With the key of `MODELPORT_SECRET_KEY`, else of the file, which is made, readable by its owner alone.

    Raises `SettingsError` (`secret-key-malformed`) for a key that is not 32 bytes in Base64.
    """
    text = environment.get(VARIABLE) or _read(file)
    try:
        key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY:
        hint = f"{VARIABLE}, or the file {file.name}, holds 32 bytes in Base64"
        msg = "the key of the secrets is malformed"
        raise SettingsError(msg, code="secret-key-malformed", hint=hint)
    return Sealer(key)


def _read(file: Path) -> str:
    """The file's text. It appears whole: of two who make it at the same time both get the same."""
    if not file.exists():
        with tempfile.NamedTemporaryFile(dir=file.parent) as made:  # readable by its owner alone
            made.write(base64.urlsafe_b64encode(os.urandom(_KEY)))
            made.flush()
            os.fsync(made.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(made.name, file)
    return file.read_text()
