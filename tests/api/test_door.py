"""The one layer that lets calls in: tricks with paths and hosts, wrong keys, and what is told of them."""

from __future__ import annotations

import secrets
import socket
import time

import httpx
import pytest
from tests.api.conftest import Served

from modelport.core.access import make_key

CLEAN = "/api/v1/models/churn"
TRICKS = [
    "/api//v1/models/churn",
    "/api/v1/./models/churn",
    "/api/v1/live/../models/churn",
    "/api/v1/models%2fchurn",
    "/api/v1/models/churn/",
    "/api/v1/models/churn;x",
    "/API/V1/models/churn",
    "/api/v1/models/churn%00",
    "/live/../api/v1/models/churn",
    "/live%2f..%2fapi/v1/models/churn",
    "//api/v1/models/churn",
]


def raw(served: Served, head: bytes) -> bytes:
    """The status line that bytes get, sent as they are."""
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as line:
        line.sendall(head)
        return line.makefile("rb").readline()


@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_of_a_path_gets_around_the_door(served: Served, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    assert raw(served, head).split()[1] == b"401"


@pytest.mark.parametrize("host", ["a/?x=", "127.0.0.1/live?", "127.0.0.1:80/live", "localhost#"])
def test_no_host_changes_what_is_asked_of_whom(served: Served, host: str) -> None:
    head = f"GET {CLEAN} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert raw(served, head).split()[1] in {b"400", b"401", b"421"}


def test_a_foreign_host_is_misdirected_in_every_mode(served: Served) -> None:
    with served.http(Host="evil.test") as http:
        for path in ("/live", CLEAN):
            assert http.get(path).status_code == 421


@pytest.mark.parametrize("headers", [{"Origin": "https://evil"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_sites_cannot_act(served: Served, method: str, headers: dict[str, str]) -> None:
    with served.http(**headers) as http:
        answer = http.request(method, CLEAN)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")


def test_a_key_in_the_query_is_refused_even_where_everybody_may(served: Served) -> None:
    with served.http(None) as http:
        answer = http.get("/live", params={"api_key": served.key})
    assert (answer.status_code, answer.json()["code"]) == (400, "key-in-query")
    assert served.key not in answer.text


def test_unknown_routes_are_told_apart_only_by_those_who_have_a_key(served: Served) -> None:
    with served.http(None) as stranger, served.http() as known:
        assert stranger.get("/api/v1/nothing").status_code == 401
        assert known.get("/api/v1/nothing").json()["code"] == "no-such-route"
        answer = known.put("/api/v1/models")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_mistyped_key_costs_no_look_into_the_database(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.platform.keys, "find", lambda _: pytest.fail("looked"))
    wrong = served.key[:-1] + ("0" if served.key[-1] != "0" else "1")
    with served.http(wrong) as http:
        answer = http.get(CLEAN)
    assert (answer.status_code, answer.json()["code"]) == (401, "malformed-key")


def test_a_flood_of_wrong_keys_is_throttled_and_told_once_and_locks_out_nobody(served: Served) -> None:
    served.clock.ahead += 1000
    with served.http() as http:
        assert http.get("/api/v1/models").status_code == 200
    wrong = [make_key("x", ["infer:*"], random=secrets.randbelow, now=0.0)[0] for _ in range(60)]
    statuses = []
    for key in wrong:
        with served.http(key) as http:
            statuses.append(http.get(CLEAN).status_code)
    assert statuses[:20] == [401] * 20
    assert statuses[-10:] == [429] * 10
    with served.http() as http:  # a key that was right goes on being right
        assert http.get("/api/v1/models").status_code == 200
    told = served.platform.journal.entries("default", limit=50)
    refusals = [one for one in told.items if one.result in {"unknown-key", "too-many-wrong-keys"}]
    assert 1 <= len(refusals) < 10
    assert all(one.actor == "nobody" and one.address == "127.0.0.1" for one in refusals)
    served.clock.ahead += 1000


def test_who_may_not_is_told_in_the_journal_with_name_and_address(served: Served) -> None:
    key = served.new_key("curious", "viewer")
    with served.http(key, **{"X-Request-Id": "req-7"}) as http:
        assert http.delete("/api/v1/models/churn").status_code == 403
    newest = served.platform.journal.entries("default", limit=1).items[0]
    assert newest.actor.startswith("curious")
    assert (newest.action, newest.resource) == ("delete_model", CLEAN)
    assert (newest.result, newest.request_id, newest.address) == ("missing-role", "req-7", "127.0.0.1")


def test_a_key_has_its_own_rate_and_is_told_where_it_stands(served: Served) -> None:
    with served.http() as http:
        wish = {"name": "slow", "role": "viewer", "rate": "2/h"}
        key = http.post("/api/v1/keys", json=wish).json()["key"]
    with served.http(key) as http:
        answers = [http.get("/api/v1/models") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=3600'
    assert answers[1].headers["ratelimit"].startswith('"key";r=0;t=')
    assert int(answers[2].headers["retry-after"]) > 0


def test_the_first_key_is_made_once_and_only_for_the_token(served: Served) -> None:
    with served.http(None) as http:
        assert http.post("/api/v1/bootstrap").status_code == 400
        assert http.post("/api/v1/bootstrap", json={"token": "guess"}).json()["code"] == "bad-token"
        again = http.post("/api/v1/bootstrap", json={"token": "token-of-the-first-start"})
    assert (again.status_code, again.json()["code"]) == (409, "bootstrapped")


def test_every_answer_is_inert_in_a_browser(served: Served) -> None:
    script = "<script>alert(1)</script>"
    with served.http() as http:
        made = http.post("/api/v1/models", json={"name": "xss", "description": script, "tags": {"a": script}})
        shown = http.get("/api/v1/models", params={"q": "<script>"})
        refused = http.get(f"/api/v1/models/{script}")
    assert shown.json()["items"][0]["description"] == script
    for answer in (made, shown, refused):
        assert answer.headers["content-type"] in {"application/json", "application/problem+json"}
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_request_ids_are_echoed_when_they_can_be(served: Served) -> None:
    with served.http() as http:
        assert http.get("/live", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
        assert len(http.get("/live").headers["x-request-id"]) == 32
        refused = http.get("/live", headers={"X-Request-Id": "a" * 129})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad-request-id")


def test_it_is_seen_when_a_key_was_last_used(served: Served) -> None:
    with served.http(served.new_key("seen", "viewer")) as http:
        assert http.get("/api/v1/models").status_code == 200
    with served.http() as http:
        while not (used := last_used(http, "seen")):  # it is written behind the answer
            time.sleep(0.01)
    assert used % 60 == 0


def last_used(http: httpx.Client, name: str) -> float:
    keys = http.get("/api/v1/keys?limit=500").json()["items"]
    return next(one.get("last_used") or 0.0 for one in keys if one["name"].startswith(name))
