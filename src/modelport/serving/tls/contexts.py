"""Certificate, key and client authorities as contexts of OpenSSL: what is accepted, and why not."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from modelport.errors import SettingsError
from modelport.serving.replica.messages import Credentials

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has no others."""


def context(credentials: Credentials) -> ssl.SSLContext:
    """The server's side of TLS 1.2 and 1.3, speaking HTTP/1.1; clients need a certificate where authorities
    are given.

    Raises `SettingsError` when these are not credentials, or certificate and key do not belong together.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(CIPHERS)
    made.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    made.set_alpn_protocols(["http/1.1"])
    show(made, credentials)
    if credentials.client_ca:
        _require_clients(made, credentials.client_ca)
    return made


def show(made: ssl.SSLContext, credentials: Credentials) -> None:
    """Show this certificate to clients from the next handshake on; raises as `context` does."""
    with _as_file(credentials.chain) as chain, _as_file(credentials.key) as key:
        try:
            made.load_cert_chain(chain, key, password=_no_password)
        except ssl.SSLError as error:
            raise _refusal(error, credentials) from error


def _require_clients(made: ssl.SSLContext, authorities: bytes) -> None:
    try:
        made.load_verify_locations(cadata=authorities.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        msg = "the client authorities are no certificates in PEM form"
        raise SettingsError(msg, code="tls-client-ca", hint="check the file of --tls-client-ca") from error
    made.verify_mode = ssl.CERT_REQUIRED


def _no_password() -> str:
    """Never ask on a terminal: a server starts without anybody there."""
    msg = "the private key is encrypted"
    raise SettingsError(
        msg, code="tls-key-encrypted", hint="openssl pkey -in key.pem -out plain.pem, readable by the server"
    )


def _refusal(error: ssl.SSLError, credentials: Credentials) -> SettingsError:
    if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
        msg = "the private key does not belong to the certificate"
        return SettingsError(
            msg, code="tls-key-mismatch", hint="the first certificate of the file is the server's own"
        )
    if b"-----BEGIN CERTIFICATE-----" not in credentials.chain:
        msg = "the certificate file holds no certificate in PEM form"
        return SettingsError(msg, code="tls-certificate", hint="check the file of --tls-cert")
    if b"PRIVATE KEY-----" not in credentials.key:
        msg = "the key file holds no private key in PEM form"
        return SettingsError(msg, code="tls-key", hint="check the file of --tls-key")
    msg = f"certificate and key cannot be used: {(error.reason or 'unreadable').replace('_', ' ').lower()}"
    return SettingsError(msg, code="tls-certificate", hint="openssl x509 -in cert.pem -noout -text")


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A name for bytes that are nowhere on disk: OpenSSL reads keys from files only."""
    descriptor = _anonymous(content)
    try:
        yield f"/dev/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _anonymous(content: bytes) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("credentials")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
