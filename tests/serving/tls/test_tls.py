"""TLS with real certificates and real clients: handshakes, refusals, renewal."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Raw
from tests.acceptance.served import summing
from tests.serving.tls.certificates import Authority, Paths

import modelport
from modelport.client import AsyncClient
from modelport.errors import Overloaded, SettingsError
from modelport.serving.checks import check
from modelport.serving.replica.messages import Credentials
from modelport.serving.settings import Limits, Settings
from modelport.serving.tls import contexts
from modelport.testing.replica import Replica, eventually, replica

LIMITS = Limits(handshake_seconds=1.0, handshakes=20)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    return dummy(tmp_path_factory.mktemp("bundle") / "sum.bundle", "sum")


@pytest.fixture(scope="module")
def paths(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return authority.issue(tmp_path_factory.mktemp("certificates"))


def settings(bundle: str, paths: Paths, client_ca: str | None = None) -> Settings:
    return Settings(
        bundles=(bundle,),
        port=0,
        tls_cert=paths.cert,
        tls_key=paths.key,
        tls_client_ca=client_ca,
        limits=LIMITS,
    )


@pytest.fixture(scope="module")
def secure(bundle: str, paths: Paths, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    """A replica that speaks HTTPS."""
    with replica(tmp_path_factory.mktemp("secure"), settings(bundle, paths)) as running:
        running.wait_ready()
        yield running


def handshake(running: Replica, context: ssl.SSLContext) -> ssl.SSLSocket:
    where = urlsplit(running.url)
    plain = socket.create_connection((where.hostname, where.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="localhost")


def context_of(paths: Paths) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=paths.ca)


def total(sock: ssl.SSLSocket, *values: float) -> bool:
    """Whether a prediction comes over this connection."""
    sock.sendall(summing("sum", *values))
    return b'"prediction":3.0' in sock.recv(10_000)


def test_the_client_and_httpx_are_answered_over_https(secure: Replica, paths: Paths) -> None:
    assert secure.url.startswith("https://127.0.0.1:")
    with modelport.Client(secure.url, verify=paths.ca) as client:
        answer = client.predict("sum", [1.0, 2.0])
        assert isinstance(answer, modelport.client.Answer)
        assert answer.prediction == 3.0
    with httpx.Client(verify=context_of(paths)) as http:
        many = {"input": [[1.0, 2.0]] * 20_000}
        answered = http.post(f"{secure.url}/v1/models/sum/predict", json=many, timeout=30.0)
        assert len(answered.json()["results"]) == 20_000


def test_the_async_client_is_answered_over_https(secure: Replica, paths: Paths) -> None:
    async def ask() -> bool:
        async with AsyncClient(secure.url, verify=paths.ca) as client:
            return await client.ready("sum")

    assert asyncio.run(ask())


def test_a_client_that_does_not_know_the_authority_goes_no_further(secure: Replica) -> None:
    with modelport.Client(secure.url, timeout=2.0) as client, pytest.raises(Overloaded) as caught:
        client.models()
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_end_in_http_1_with_forward_secrecy(
    secure: Replica, paths: Paths, version: ssl.TLSVersion
) -> None:
    context = context_of(paths)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with handshake(secure, context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"
        cipher = sock.cipher()
        assert cipher
        assert cipher[0].startswith(("ECDHE-", "TLS_"))
        assert all(total(sock, 1.0, 2.0) for _ in range(3))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_versions_are_refused(secure: Replica, paths: Paths) -> None:
    context = context_of(paths)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(secure, context)


def test_openssl_s_client_finds_nothing_to_complain_about(secure: Replica, paths: Paths) -> None:
    where = urlsplit(secure.url).netloc
    command = [
        "openssl",
        "s_client",
        "-connect",
        where,
        "-CAfile",
        paths.ca,
        "-verify_return_error",
        "-brief",
    ]
    asked = summing("sum").replace(b"host:", b"connection: close\r\nhost:")
    ended = subprocess.run(command, input=asked, capture_output=True, check=False, timeout=30)
    assert b"Verification: OK" in ended.stderr, ended.stderr
    assert b"TLSv1.3" in ended.stderr


def test_plain_http_is_told_to_come_by_https(secure: Replica) -> None:
    with Raw(secure.url) as raw:
        answer = raw.ask(summing("sum"))
        assert (answer.status, answer.code) == (400, "https-required")
        assert raw.closed()


def test_what_is_neither_tls_nor_http_is_closed(secure: Replica) -> None:
    for data in (b"\x00\x01\x02", b"\x16\x03\x01\x00\x05hello", b"SSH-2.0-x\r\n"):
        with Raw(secure.url) as raw:
            raw.send(data)
            raw.sock.settimeout(5)
            while raw.sock.recv(100):
                pass


def test_a_hello_in_single_bytes_is_still_a_hello(secure: Replica, paths: Paths) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = context_of(paths).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        peer.do_handshake()
    with Raw(secure.url) as raw:
        raw.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = outgoing.read()
        raw.send(*(hello[at : at + 1] for at in range(20)), pause=0.005)
        raw.send(hello[20:])
        incoming.write(raw.sock.recv(10_000))
    peer.do_handshake()
    assert peer.version() == "TLSv1.3"


def test_strangers_who_never_shake_hands_are_few_and_soon_gone(secure: Replica, paths: Paths) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(Raw(secure.url)) for _ in range(15)]
        silent[0].send(b"\x16\x03")
        with handshake(secure, context_of(paths)) as sock:
            assert total(sock, 1.0, 2.0)
        more = [stack.enter_context(Raw(secure.url)) for _ in range(10)]
        assert all(raw.closed() for raw in (*silent, *more))
    with closing(handshake(secure, context_of(paths))) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        text = b"".join(iter(lambda: sock.recv(65_536), b"")).decode()
    failed = next(
        line for line in text.splitlines() if line.startswith("modelport_tls_handshakes_failed_total{")
    )
    assert float(failed.rpartition(" ")[2]) >= 25


def test_pipelined_requests_in_one_record_are_answered_in_order(secure: Replica, paths: Paths) -> None:
    with handshake(secure, context_of(paths)) as sock:
        sock.sendall(b"".join(summing("sum", float(at), 0.0) for at in range(200)))
        seen = b""
        while seen.count(b'"prediction":') < 200:
            seen += sock.recv(65_536)
    places = [seen.index(b'"prediction":%d.0' % at) for at in range(10, 200)]
    assert places == sorted(places)


def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(
    bundle: str, paths: Paths, tmp_path: Path
) -> None:
    clients = Authority().issue(tmp_path, "client")
    with replica(tmp_path, settings(bundle, paths, clients.ca)) as running:
        running.wait_ready()
        with modelport.Client(running.url, verify=paths.ca, cert=(clients.cert, clients.key)) as client:
            assert client.ready("sum")
        with modelport.Client(running.url, verify=paths.ca, timeout=2.0) as client:
            assert not client.ready("sum")
        stranger = Authority().issue(tmp_path, "stranger")
        with modelport.Client(
            running.url, verify=paths.ca, cert=(stranger.cert, stranger.key), timeout=2.0
        ) as client:
            assert not client.ready("sum")


def serial(running: Replica, paths: Paths) -> int:
    """Of the certificate that a new connection is shown."""
    with handshake(running, context_of(paths)) as sock:
        known = sock.getpeercert()
    assert known
    return int(str(known["serialNumber"]), 16)


def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(
    authority: Authority, bundle: str, tmp_path: Path
) -> None:
    paths = authority.issue(tmp_path)
    with replica(tmp_path, settings(bundle, paths)) as running:
        running.wait_ready()
        first = serial(running, paths)
        with handshake(running, context_of(paths)) as kept:
            assert total(kept, 1.0, 2.0)
            authority.issue(tmp_path)
            eventually(lambda: serial(running, paths) != first)
            second = serial(running, paths)
            Path(paths.cert).write_bytes(Path(authority.issue(tmp_path, "other").cert).read_bytes())
            (refused,) = eventually(lambda: running.events("certificate refused"))
            assert refused["code"] == "tls-key-mismatch"
            os.kill(running.pids()[-1], 9)
            eventually(lambda: len(running.pids()) == 2)
            assert serial(running, paths) == second, "a successor has the last good one"
        with handshake(running, context_of(paths)) as kept:
            authority.issue(tmp_path)
            eventually(lambda: len(running.events("certificate renewed")) == 2)
            assert total(kept, 1.0, 2.0), "a connection keeps what it began with"
        assert serial(running, paths) not in {first, second}


def credentials(paths: Paths) -> Credentials:
    return Credentials(Path(paths.cert).read_bytes(), Path(paths.key).read_bytes())


def test_key_and_certificate_that_do_not_belong_together_are_no_start(
    authority: Authority, bundle: str, paths: Paths, tmp_path: Path
) -> None:
    other = authority.issue(tmp_path, "other")
    with replica(tmp_path, settings(bundle, paths._replace(key=other.key))) as running:
        assert running.end() == 2
        (event,) = running.events("not started")
        assert event["code"] == "tls-key-mismatch"
        assert event["hint"]


def encrypted(paths: Paths) -> bytes:
    command = ["openssl", "pkey", "-in", paths.key, "-aes256", "-passout", "pass:secret"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_what_is_no_certificate_or_no_key_is_refused_by_name(paths: Paths) -> None:
    good = credentials(paths)
    broken = good.chain.replace(b"M", b"X", 20)
    cases = {
        "tls-certificate": [Credentials(b"", good.key), Credentials(broken, good.key)],
        "tls-key": [Credentials(good.chain, b"hello")],
        "tls-key-encrypted": [Credentials(good.chain, encrypted(paths))],
        "tls-client-ca": [Credentials(good.chain, good.key, b"hello")],
    }
    for code, bad in cases.items():
        for one in bad:
            with pytest.raises(SettingsError) as caught:
                contexts.context(one)
            assert caught.value.code == code


@pytest.mark.parametrize("half", [{"tls_cert": "a.pem"}, {"tls_key": "a.pem"}, {"tls_client_ca": "a.pem"}])
def test_half_of_what_tls_needs_is_refused(bundle: str, half: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        check(Settings(bundles=(bundle,), **half))  # type: ignore[arg-type]
    assert caught.value.code == "tls-incomplete"
