"""The control API over TLS, its door on loopback, and why a replica does not come up. Real sockets."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import running
from tests.api.wall import Wall
from tests.serving.tls.certificates import Authority, Paths

from modelport.api.app import app
from modelport.api.server import server
from modelport.api.settings import Settings
from modelport.assembly.listening import Listening, listening
from modelport.assembly.platform import Where, platform
from modelport.assembly.replica import told
from modelport.assembly.secured import Secured
from modelport.client.control import Control
from modelport.client.retry import Retries
from modelport.errors import ModelportError, SettingsError


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def paths(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return authority.issue(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def key() -> list[str]:
    return []


@pytest.fixture(scope="module")
def found(paths: Paths, key: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    """A control API that is being served."""
    where = Where(tmp_path_factory.mktemp("api") / "state")
    with (
        platform(where, Wall()) as built,
        listening("127.0.0.1", 0, secured=True, name="localhost") as bound,
    ):
        assert built.first_key is not None
        key.append(built.first_key)
        secured = Secured(Path(paths.cert), Path(paths.key))
        front = app(built, Settings(hosts=("models.example.org",)))
        with running(server(front, "127.0.0.1", 0, tls=secured, beside=bound.beside), bound.public):
            yield bound


def test_the_sdk_is_answered_over_https_by_whom_its_authority_vouches_for(
    found: Listening, paths: Paths, key: list[str]
) -> None:
    assert found.url.startswith("https://localhost:")
    with Control(found.url, key=key[0], verify=paths.ca) as control:
        assert list(control.models.list()) == []
    with (
        Control(found.url, key=key[0], retries=Retries(attempts=1)) as stranger,
        pytest.raises(ModelportError) as refused,
    ):
        list(stranger.models.list())
    assert "CERTIFICATE_VERIFY_FAILED" in refused.value.message


def test_loopback_has_a_door_of_its_own_where_keys_are_asked_for_too(
    found: Listening, key: list[str]
) -> None:
    assert found.here.startswith("http://127.0.0.1:")
    with Control(found.here, key=key[0]) as control:
        assert list(control.models.list()) == []
    assert httpx.get(f"{found.here}/api/v1/models").status_code == 401


def test_plain_http_gets_nothing_where_tls_is_spoken(found: Listening) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(found.url.replace("https", "http") + "/live")


def test_it_answers_for_the_names_it_was_given_and_no_others(found: Listening, paths: Paths) -> None:
    context = ssl.create_default_context(cafile=paths.ca)
    for host, status in (("models.example.org", 200), ("evil.example.org", 421)):
        answer = httpx.get(f"{found.url}/live", headers={"host": host}, verify=context)
        assert answer.status_code == status


def test_a_renewed_certificate_is_shown_from_the_next_connection_on(
    found: Listening, authority: Authority, paths: Paths
) -> None:
    before = shown(found)
    authority.issue(Path(paths.cert).parent)
    deadline = time.monotonic() + 20
    while shown(found) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def shown(found: Listening) -> str:
    return ssl.get_server_certificate(found.public.getsockname()[:2])


def test_the_door_on_loopback_stays_where_a_replica_that_outlived_its_control_plane_looks_for_it() -> None:
    with listening("127.0.0.1", 0, secured=True) as first:
        here = first.here
        with listening("127.0.0.1", 0, secured=True, former=here) as second:
            assert second.here != here  # somebody has it
    with listening("127.0.0.1", 0, secured=True, former=here) as third:
        assert third.here == here
    with listening("127.0.0.1", 0, secured=True, former="nonsense:x") as other:
        assert other.beside is not None


def test_a_port_that_is_taken_is_told_by_name() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(SettingsError) as refused,
        listening("127.0.0.1", taken.getsockname()[1], secured=False),
    ):
        pass
    assert refused.value.code == "address-in-use"


def test_the_last_complaint_of_a_replica_is_why_it_did_not_come_up() -> None:
    away = '{"level":"warning","event":"control plane away","reason":"ConnectError: refused"}'
    ended = '{"level":"error","event":"not started","code":"bad-thing","reason":"no","hint":"mend it"}'
    error = told([away, ended, '{"level":"info","event":"stopped"}'])
    assert (error.code, error.hint, error.message) == (
        "bad-thing",
        "mend it",
        "the replica did not come up: no",
    )
    assert told([away]).message.endswith("ConnectError: refused")
    assert told([away, "ModuleNotFoundError: No module named 'numpy'"]).message.endswith("'numpy'")
    assert told([]).code == "replica-not-started"
