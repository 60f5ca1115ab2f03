"""No secret is anywhere but where it was asked for: a canary is searched in all that goes out or is kept."""

from __future__ import annotations

import logging

import pytest
from tests.api.conftest import Served

CANARY = "canary-7c1f5a"


def test_a_secret_is_in_no_answer_log_metric_or_file(
    served: Served, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    out: list[str] = []
    with served.http() as http:
        out.append(http.put("/api/v1/secrets/warehouse", json={"value": CANARY}).text)
        out.append(http.put("/api/v1/secrets/warehouse", json={"value": [CANARY]}).text)
        out.append(http.put("/api/v1/secrets/warehouse", json={"valu": CANARY}).text)
        places = ("secrets", "audit", "keys", "logs", "openapi.json", "doctor")
        out += [http.get(f"/api/v1/{place}").text for place in places]
        out.append(http.get("/metrics").text)
        made = http.post("/api/v1/keys", json={"name": "canary", "role": "viewer"}).json()["key"]
        out.append(http.get("/api/v1/keys").text + http.get("/api/v1/audit").text)
    secret = made[16:59]
    said = "".join(out) + caplog.text + "".join(capfd.readouterr())
    assert CANARY not in said
    assert secret not in said
    for path in served.platform.uploads.parent.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert CANARY.encode() not in data, path.name
            assert secret.encode() not in data, path.name


def test_an_unexpected_failure_tells_the_caller_nothing_of_itself(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(served.platform.doctor, "examine", broken)
    with served.http() as http:
        answer = http.get("/api/v1/doctor")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert CANARY not in answer.text
