"""Who gets in: keys, scopes and limits, over real sockets and several workers."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import Answer, Raw, post, request

from modelport.core.access import KeyEntry, Rate, make_key
from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.serving.replica import access_file
from modelport.serving.settings import Settings
from modelport.testing.replica import Replica, eventually, publish, replica

PREDICT = "/v1/models/{}/predict"
ITEM = {"input": [1.0, 2.0]}


class Guarded:
    """A replica with keys."""

    def __init__(self, running: Replica, file: Path) -> None:
        self.running = running
        self.url = running.url
        self._file = file

    def key(self, *scopes: str, rate: Rate | None = None, expires: float | None = None) -> str:
        """A new key, known to every worker."""
        key, entry = make_key("test", scopes, random=secrets.randbelow, now=0.0, rate=rate, expires=expires)
        self.change(lambda keys: (*keys, entry))
        return key

    def change(self, change: access_file.Change) -> None:
        """Change the key file and wait until the replica has taken it."""
        revision = access_file.update(self._file, change).revision
        eventually(lambda: [e for e in self.running.events("keys taken") if e["revision"] == revision])
        eventually(lambda: all(self.ask(request("GET", "/v2/health/live")).status == 200 for _ in range(4)))

    def ask(self, data: bytes) -> Answer:
        """The answer, on a connection of its own."""
        with Raw(self.url) as raw:
            return raw.ask(data)

    def predict(self, key: str, model: str = "one", **headers: str) -> Answer:
        """The answer to a prediction."""
        fields = {"authorization": f"Bearer {key}"} | headers
        return self.ask(post(PREDICT.format(model), ITEM, **fields))

    def get(self, path: str, key: str) -> Answer:
        """The answer to a GET."""
        return self.ask(request("GET", path, headers={"authorization": f"Bearer {key}"}))


def plan(folder: Path) -> ServingPlan:
    """`one` and `two`, and `split` over two versions that sticks to the caller."""
    slots = tuple(
        SlotSpec(f"{name}:{n}", name, n, dummy(folder / f"{name}-{n}.bundle", name, factor=float(n)))
        for name, n in (("one", 1), ("two", 1), ("split", 1), ("split", 2))
    )
    whole = tuple(EndpointSpec(name, Route((Share(f"{name}:1", 10_000),))) for name in ("one", "two"))
    halves = Route((Share("split:1", 5000), Share("split:2", 5000)), salt="s", sticky="caller")
    return ServingPlan(Revision(0, 1), slots, (*whole, EndpointSpec("split", halves)))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    file = folder / "keys.json"
    access_file.update(file, lambda keys: keys)
    path = publish(folder / "plan.json", plan(folder))
    settings = Settings(plan=path, port=0, workers=2, keys=str(file))
    with replica(folder, settings) as running:
        running.wait_ready()
        yield Guarded(running, file)


def test_without_a_key_there_is_health_and_nothing_else(guarded: Guarded) -> None:
    for path in ("/health", "/live", "/ping", "/v2/health/live", "/v2/health/ready"):
        assert guarded.ask(request("GET", path)).status == 200
    for path in ("/v2", "/v2/models", "/metrics", "/debug/plan", "/openapi.json", "/version", "/secret"):
        answer = guarded.ask(request("GET", path))
        assert (answer.status, answer.code) == (401, "unauthenticated"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert guarded.ask(post(PREDICT.format("one"), ITEM)).status == 401


VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}
PUBLIC = {"/health", "/live", "/ping", "/v2/health/live", "/v2/health/ready"}


def test_every_documented_route_needs_a_key(guarded: Guarded) -> None:
    document = guarded.get("/openapi.json", guarded.key("models:read")).json()
    routes = [
        (method.upper(), path)
        for path, verbs in document["paths"].items()
        for method in verbs
        if method in VERBS
    ]
    assert len(routes) > 15
    for method, path in routes:
        asked = path.format(model="one", model_name="one", version="1", model_version="1")
        for spelling in (asked, f"{asked}?x=1", asked.replace("/v", "/%76")):
            expected = {200, 503} if path in PUBLIC else {401}
            assert guarded.ask(request(method, spelling)).status in expected, (method, spelling)


@pytest.mark.parametrize("trick", ["//", "/./", "/%2e/", "/x/../", "%2f", ";x/"])
def test_no_spelling_of_a_route_goes_round_the_key(guarded: Guarded, trick: str) -> None:
    for path in ("/debug/plan", "/v2/models/one"):
        spelled = trick.join(path.rsplit("/", 1))
        assert guarded.ask(request("GET", spelled)).status in {400, 401}, spelled


def test_a_strangers_body_is_never_parsed(guarded: Guarded) -> None:
    """Not JSON, and still 401 instead of 400."""
    assert guarded.ask(request("POST", PREDICT.format("one"), b"{")).status == 401


def test_a_key_reaches_what_its_scopes_name(guarded: Guarded) -> None:
    key = guarded.key("infer:one")
    assert guarded.predict(key).status == 200
    other = guarded.predict(key, "two")
    assert (other.status, other.code) == (403, "missing-scope")
    assert guarded.predict(key, "absent").status == 403, "what a key may not ask for, it may not find out"
    assert guarded.get("/metrics", key).status == 403
    assert guarded.get("/debug/plan", key).status == 403
    assert guarded.get("/nowhere", key).status == 403


def test_every_scope_opens_its_own_door(guarded: Guarded) -> None:
    metrics, reads, admin, every = (
        guarded.key(scope) for scope in ("metrics", "models:read", "admin", "infer:*")
    )
    assert guarded.get("/metrics", metrics).status == 200
    assert guarded.get("/v2/models", reads).status == 200
    assert guarded.get("/debug/plan", admin).status == 200
    assert guarded.predict(every, "two").status == 200
    for key, path in (
        (metrics, "/debug/plan"),
        (reads, "/metrics"),
        (every, "/metrics"),
        (metrics, "/v2/models"),
    ):
        assert guarded.get(path, key).status == 403


@pytest.mark.parametrize("broken", ["", "mp_live_short", "cut", "typo", "Basic", "two"])
def test_what_is_no_key_gets_nowhere(guarded: Guarded, broken: str) -> None:
    key = guarded.key("infer:*")
    header = {
        "": "Bearer ",
        "mp_live_short": "Bearer mp_live_short",
        "cut": f"Bearer {key[:-1]}",
        "typo": f"Bearer {key[:20]}{'a' if key[20] != 'a' else 'b'}{key[21:]}",
        "Basic": f"Basic {key}",
        "two": f"Bearer {key} {key}",
    }[broken]
    answer = guarded.ask(post(PREDICT.format("one"), ITEM, authorization=header))
    assert answer.status == 401
    assert key not in answer.body.decode()


def test_a_key_never_stands_in_the_query(guarded: Guarded) -> None:
    key = guarded.key("infer:*")
    answer = guarded.ask(post(f"{PREDICT.format('one')}?api_key={key}", ITEM))
    assert (answer.status, answer.code) == (400, "key-in-query")


def test_a_revoked_key_is_refused_on_connections_that_are_open(guarded: Guarded) -> None:
    key = guarded.key("infer:*")
    with Raw(guarded.url) as raw:
        asked = post(PREDICT.format("one"), ITEM, authorization=f"Bearer {key}")
        assert raw.ask(asked).status == 200
        guarded.change(lambda keys: tuple(_revoked(entry, key) for entry in keys))
        eventually(lambda: raw.ask(asked).status == 401)


def test_an_expired_key_is_refused(guarded: Guarded) -> None:
    assert guarded.predict(guarded.key("infer:*", expires=1.0)).code == "unknown-key"


def test_a_limit_holds_over_all_workers_and_says_when_to_come_again(guarded: Guarded) -> None:
    key = guarded.key("infer:*", rate=Rate(20, 3600))
    answers = [guarded.predict(key) for _ in range(50)]
    assert Counter(answer.status for answer in answers) == {200: 20, 429: 30}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.code == "rate-limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 2 * 3600
    assert "q=20" in refused.headers["ratelimit-policy"]
    assert "r=0" in refused.headers["ratelimit"]
    assert guarded.predict(guarded.key("infer:*")).status == 200, "another key has its own"


def test_a_version_may_be_named_and_needs_the_key_of_its_model(guarded: Guarded) -> None:
    key = guarded.key("infer:split")
    assert [guarded.predict(key, f"split:{n}").json()["version"] for n in (1, 2)] == [1, 2]
    assert guarded.predict(key, "split%3A2").json()["version"] == 2
    for name in ("split:3", "split:0", "split:", "split:x", "split:1:2", "split:01x"):
        answer = guarded.predict(key, name)
        assert (answer.status, answer.code) == (404, "version-not-found"), name
    assert guarded.predict(key, "one:1").status == 403


def test_a_split_may_stick_to_the_caller(guarded: Guarded) -> None:
    """A key sees one version on every connection and worker; a user id goes before it."""
    seen = set()
    for _ in range(12):
        key = guarded.key("infer:*")
        versions = {guarded.predict(key, "split").json()["version"] for _ in range(6)}
        assert len(versions) == 1
        seen |= versions
    assert seen == {1, 2}
    users = {guarded.predict(key, "split", **{"x-user-id": f"u{n}"}).json()["version"] for n in range(20)}
    assert users == {1, 2}


def test_the_key_file_that_breaks_changes_nothing(guarded: Guarded, tmp_path: Path) -> None:
    key = guarded.key("infer:*")
    kept = guarded._file.read_bytes()
    guarded._file.write_bytes(b"{")
    eventually(lambda: guarded.running.events("key file refused"))
    assert guarded.predict(key).status == 200
    (tmp_path / "keys").write_bytes(kept)
    (tmp_path / "keys").replace(guarded._file)


def _revoked(entry: KeyEntry, key: str) -> KeyEntry:
    return msgspec.structs.replace(entry, revoked=True) if key[8:16] == entry.id else entry
