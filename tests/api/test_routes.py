"""Every route there is, asked by everybody who may not: the list is the table itself."""

from __future__ import annotations

import re
import time

import httpx
import pytest
from tests.api.conftest import Served

from modelport.api.operation import Operation
from modelport.api.routes import NOUNS
from modelport.core.wishes import NewKey
from modelport.db.journal import Author

OPERATIONS = [operation for noun in NOUNS for operation in noun.operations]
GUARDED = [operation for operation in OPERATIONS if operation.needs.role is not None]
PARTS = {"ref": "1", "id": "abcdefgh", "kind": "deployment", "file": "spool-1"}


def named(operation: Operation) -> str:
    return operation.name


def path(operation: Operation) -> str:
    return re.sub(r"{(\w+)}", lambda found: PARTS.get(found[1], "absent"), operation.path)


def asked(served: Served, operation: Operation, key: str | None) -> httpx.Response:
    with served.http(key) as http:
        return http.request(operation.method, path(operation))


def test_only_what_tells_nothing_is_open_to_everybody() -> None:
    assert {one.name for one in OPERATIONS if one.needs.role is None} == {"live", "ready", "bootstrap"}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)
    assert all(one.summary.endswith(".") for one in OPERATIONS)


def test_no_reading_of_anything_changes_it() -> None:
    """`GET` is what other sites can make a browser send."""
    safe = {one.name for one in OPERATIONS if one.method == "GET"}
    assert all(re.match(r"(list|get|read|poll|watch|diff|download|live|ready|examine)", one) for one in safe)


@pytest.mark.parametrize("operation", GUARDED, ids=named)
def test_without_a_key_there_is_nothing(served: Served, operation: Operation) -> None:
    answer = asked(served, operation, None)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_no_revoked_or_expired_key_opens_a_route(served: Served) -> None:
    author = Author("test")
    revoked = served.platform.keys.create(author, NewKey("revoked", "admin"))
    served.platform.keys.revoke(author, revoked.seen.id)
    short = NewKey("expired", "admin", expires=served.clock.now() + 0.05)
    expired = served.platform.keys.create(author, short)
    time.sleep(0.06)
    for operation in GUARDED:
        for key in (revoked.key, expired.key):
            served.clock.ahead += 11  # what is throttled is another test
            answer = asked(served, operation, key)
            assert (answer.status_code, answer.json()["code"]) == (401, "unknown-key"), operation.name


def test_a_key_for_predictions_opens_no_route(served: Served) -> None:
    key = served.new_key("shop", "service", "infer:*")
    for operation in GUARDED:
        answer = asked(served, operation, key)
        assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope"), operation.name


def test_a_viewer_changes_nothing(served: Served) -> None:
    key = served.new_key("viewer", "viewer")
    for operation in GUARDED:
        if operation.method != "GET":
            assert asked(served, operation, key).status_code == 403, operation.name


def test_an_operator_touches_no_keys_and_deletes_no_models(served: Served) -> None:
    key = served.new_key("operator", "operator")
    refused = {one.name for one in GUARDED if asked(served, one, key).status_code == 403}
    assert refused == {one.name for one in GUARDED if one.needs.role == "admin"}


def test_services_reach_what_their_scope_says_and_nothing_else(served: Served) -> None:
    feedback = served.new_key("labels", "service", "feedback:absent")
    replica = served.new_key("replica", "service", "replica")
    opened = {
        key: {one.name for one in GUARDED if asked(served, one, key).status_code != 403}
        for key in (feedback, replica)
    }
    assert opened[feedback] == {"give_feedback", "send_feedback"}
    assert opened[replica] == {"poll_plan", "poll_access", "report", "ship_spool"}


def test_another_project_sees_nothing_of_this_one(served: Served) -> None:
    served.register("ours")
    with served.http() as mine:
        assert mine.post("/api/v1/deployments/ours/deploy", json={"version": 1}).status_code == 200
    with served.http(served.new_key("other", "admin", project="other")) as other:
        for route in (
            "/api/v1/models/ours",
            "/api/v1/models/ours/versions",
            "/api/v1/models/ours/aliases",
            "/api/v1/deployments/ours",
            "/api/v1/fleets/local/plan",
            "/api/v1/fleets/local/replicas",
        ):
            assert other.get(route).status_code == 404, route
        assert other.delete("/api/v1/models/ours").status_code == 404
        for route in ("backup", "garbage", "doctor/repair"):
            assert other.post(f"/api/v1/{route}").status_code == 403, route
        assert other.get("/api/v1/doctor").status_code == 403
        assert other.patch("/api/v1/models/ours", json={"description": "mine"}).status_code == 404
        assert other.get("/api/v1/models").json()["items"] == []
        assert all(one["project"] == "other" for one in other.get("/api/v1/keys").json()["items"])
        assert all(one.get("project") == "other" for one in other.get("/api/v1/audit").json()["items"])
