"""One listening socket per worker, on one port, and nobody else's."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from modelport.errors import SettingsError
from modelport.serving.replica import sockets


@contextmanager
def bound(host: str, port: int, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        listening = sockets.bind(host, port, count)
        for sock in listening:
            opened.enter_context(sock)
        yield listening


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_all_sockets_share_the_port_that_the_system_chose() -> None:
    with bound("127.0.0.1", 0, 3) as listening:
        (port,) = {sock.getsockname()[1] for sock in listening}
        assert port > 0
        assert sockets.url(listening[0]) == f"http://127.0.0.1:{port}"


def test_connections_are_spread_over_the_sockets() -> None:
    with bound("127.0.0.1", 0, 2) as listening, ExitStack() as clients:
        for _ in range(64):
            clients.enter_context(socket.create_connection(listening[0].getsockname()))
        assert all(accepted(sock) for sock in listening)


def test_a_socket_beside_the_others_gets_no_connection_before_it_listens() -> None:
    with bound("127.0.0.1", 0, 1) as listening, ExitStack() as clients:
        address = listening[0].getsockname()
        late = clients.enter_context(sockets.beside(address))
        for _ in range(32):
            clients.enter_context(socket.create_connection(address, timeout=5))
        assert accepted(listening[0]) == 32
        late.listen(64)
        for _ in range(64):
            clients.enter_context(socket.create_connection(address, timeout=5))
        assert accepted(late)


def accepted(sock: socket.socket) -> int:
    """How many connections wait."""
    count = 0
    while True:
        try:
            sock.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_ipv6_is_written_with_brackets(host: str) -> None:
    with bound(host, 0, 2) as listening:
        port = listening[0].getsockname()[1]
        assert sockets.url(listening[0]) == f"http://[::1]:{port}"


def test_a_port_of_another_replica_is_refused_although_sockets_share_ports() -> None:
    with bound("127.0.0.1", 0, 2) as listening:
        port = listening[0].getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1 is in use") as caught:
            sockets.bind("127.0.0.1", port, 1)
    assert caught.value.code == "address-in-use"


@pytest.mark.parametrize(("host", "port", "reason"), [
    ("nowhere.invalid", 0, "no such address"),
    ("127.0.0.1", 70_000, "70000 is not a port"),
    ("192.0.2.1", 0, "cannot listen on port 0 of 192.0.2.1"),
])  # fmt: skip
def test_an_address_that_cannot_be_is_refused_with_the_reason(host: str, port: int, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        sockets.bind(host, port, 1)


def test_a_supervisor_loads_no_model_library_and_no_http() -> None:
    story = (
        "import sys, modelport.serving.__main__, modelport.bundle.reader;"
        "heavy = {'numpy', 'onnxruntime', 'httptools', 'http', 'uvloop', 'httpx', 'click', 'rich'};"
        "print(*(heavy & {name.partition('.')[0] for name in sys.modules}), end='')"
    )
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
