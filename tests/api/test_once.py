"""Made once, however often it is sent; changed only for those who know what they change."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.api.conftest import Served
from tests.registry.bundles import made

BUNDLE = {"content-type": "application/octet-stream"}


def test_a_repeated_request_gets_the_first_answer(served: Served) -> None:
    with served.http(**{"Idempotency-Key": "once-1"}) as http:
        first = http.post("/api/v1/models", json={"name": "once"})
        again = http.post("/api/v1/models", json={"name": "once"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_belongs_to_one_request_and_one_caller(served: Served) -> None:
    with served.http(**{"Idempotency-Key": "once-2"}) as http:
        assert http.post("/api/v1/models", json={"name": "two"}).status_code == 201
        other = http.post("/api/v1/models", json={"name": "three"})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-reused")
    with served.http(served.new_key("other", "operator"), **{"Idempotency-Key": "once-2"}) as http:
        assert http.post("/api/v1/models", json={"name": "three"}).status_code == 201


def test_a_refusal_is_not_kept(served: Served) -> None:
    with served.http(**{"Idempotency-Key": "once-3"}) as http:
        assert http.post("/api/v1/deployments/late/rollout/pause").status_code == 404
        served.deploy("late")
        assert http.post("/api/v1/deployments/late/rollout/pause").status_code == 200


def test_of_equal_requests_at_the_same_time_one_is_carried_out(served: Served) -> None:
    statuses: list[int] = []

    def send() -> None:
        with served.http(**{"Idempotency-Key": "once-4"}) as http:
            statuses.append(http.post("/api/v1/models", json={"name": "race"}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(201) >= 1
    assert set(statuses) <= {201, 409}
    entries = served.platform.journal.entries("default", limit=500, action="model.create", resource="race")
    assert len(entries.items) == 1


def test_a_forced_version_is_made_once(served: Served, tmp_path: Path) -> None:
    bundle = made(tmp_path, 9.0).read_bytes()
    with served.http(**BUNDLE, **{"Idempotency-Key": "once-5"}) as http:
        answers = [
            http.post("/api/v1/models/forced/versions?new_version=true", content=bundle) for _ in range(3)
        ]
        assert [one.json()["number"] for one in answers] == [1, 1, 1]
        assert len(http.get("/api/v1/models/forced/versions").json()["items"]) == 1


def test_a_key_is_shown_once_and_kept_nowhere(served: Served, tmp_path: Path) -> None:
    with served.http(**{"Idempotency-Key": "once-6"}) as http:
        first = http.post("/api/v1/keys", json={"name": "shown", "role": "viewer"})
        again = http.post("/api/v1/keys", json={"name": "shown", "role": "viewer"})
    assert first.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "shown-once")
    secret = first.json()["key"].encode()
    folder = served.platform.uploads.parent
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not any(secret in data or secret[16:59] in data for data in files)


def test_an_alias_is_moved_by_those_who_know_where_it_is(served: Served, tmp_path: Path) -> None:
    path = "/api/v1/models/moved/aliases/champion"
    with served.http() as http:
        for factor in (1.0, 2.0):
            bundle = made(tmp_path, factor).read_bytes()
            assert (
                http.post("/api/v1/models/moved/versions", content=bundle, headers=BUNDLE).status_code == 201
            )
        new = http.put(path, json={"version": 1}, headers={"If-None-Match": "*"})
        assert new.status_code == 200
        assert http.put(path, json={"version": 2}, headers={"If-None-Match": "*"}).status_code == 412
        stale = new.headers["etag"]
        assert http.put(path, json={"version": 2}, headers={"If-Match": stale}).status_code == 200
        late = http.put(path, json={"version": 1}, headers={"If-Match": stale})
        assert (late.status_code, http.get("/api/v1/models/moved/versions/champion").json()["number"]) == (
            412,
            2,
        )
        assert http.put(path, json={"version": 1}, headers={"If-Match": "nonsense"}).status_code == 400


def test_an_endpoint_is_given_up_only_by_those_who_have_looked(served: Served) -> None:
    served.register("gone")
    with served.http() as http:
        tag = http.post("/api/v1/deployments/gone/deploy", json={"version": 1}).headers["etag"]
        path = "/api/v1/deployments/gone"
        assert http.get(path, headers={"If-None-Match": tag}).status_code == 304
        assert http.delete(path).json()["code"] == "precondition-required"
        assert http.delete(path, headers={"If-Match": '"77"'}).status_code == 412
        assert http.delete(path, headers={"If-Match": tag}).status_code == 204
        assert http.get(path).status_code == 404
