"""The decisions of a member of a fleet: when to try again, whom to tell of, what to say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.fleet.fleets import plan

from modelport.core.fleet import EndpointStatus, SlotStatus, Trouble
from modelport.errors import ModelportError, NotFound
from modelport.serving.fleet import status
from modelport.serving.fleet.backoff import Backoff
from modelport.serving.fleet.farewell import LAST_CALLS, Farewell
from modelport.serving.fleet.kept import Kept
from modelport.serving.fleet.shelf import Shelf
from modelport.serving.replica.messages import Prepare, SlotReport, Told
from modelport.serving.replica.rollout import Seen, State, Verdict, heard, sent
from modelport.storage import whole
from modelport.storage.address import artifact_url
from modelport.storage.content import sha256


@given(st.integers(1, 80), st.floats(0, 1))
def test_a_pause_is_drawn_below_a_bound_that_doubles_up_to_the_longest(failures: int, drawn: float) -> None:
    backoff = Backoff(0.5, 8.0, lambda: drawn)
    pauses = [backoff.pause() for _ in range(failures)]
    assert pauses == [min(8.0, 0.5 * 2.0**count) * drawn for count in range(failures)]
    backoff.worked()
    assert backoff.pause() == 0.5 * drawn


def test_a_slot_that_left_is_told_of_until_a_later_report_was_taken() -> None:
    farewell = Farewell()
    farewell.using(["a", "b"], 0.0)
    farewell.using(["b"], 10.0)
    farewell.heard(["a", "b"], 10.0 + LAST_CALLS / 2)  # it may have ended a request since
    assert farewell.unheard == {"a"}
    farewell.heard(["a", "b"], 10.0 + LAST_CALLS)
    assert not farewell.unheard


def test_a_slot_that_comes_back_is_not_said_farewell_to() -> None:
    farewell = Farewell()
    farewell.using(["a"], 0.0)
    farewell.using([], 1.0)
    farewell.using(["a"], 2.0)
    assert not farewell.unheard


def test_of_several_workers_the_least_far_speaks_for_a_slot() -> None:
    wanted = plan(1, {"churn:1": "x"})
    state = State(wanted, {}, {wanted.revision: wanted})
    near, far = SlotReport("loading"), SlotReport("ready")
    known = status.slots(state, [_seen(far), _seen(near)], {"churn:1": "cores"}, {"churn:1": (0, 7)})
    assert known == {"churn:1": SlotStatus("loading", limited_by="cores", bytes=7)}
    known = status.slots(state, [_seen(far), _seen(far)], {}, {})
    assert known == {"churn:1": SlotStatus("ready", instances=2)}
    known = status.slots(state, [_seen(far), _seen(SlotReport("failed", "no memory"))], {}, {})
    assert known == {"churn:1": SlotStatus("failed", "no memory")}


def test_an_endpoint_that_is_about_to_switch_is_no_endpoint_that_cannot() -> None:
    old, new = plan(1, {"churn:1": "x"}), plan(2, {"churn:1": "x"})
    state = State(new, {"churn": old.revision}, {old.revision: old, new.revision: new})
    known = status.endpoints(state, {"churn": Verdict("waiting")})
    assert known == {"churn": EndpointStatus(old.revision)}
    known = status.endpoints(state, {"churn": Verdict("failed", "slot churn:1: no memory")})
    assert known["churn"].reason == "slot churn:1: no memory"


def test_a_slot_that_answers_stays_ready_while_a_newer_plan_is_looked_at() -> None:
    old, new = plan(1, {"churn:1": "x"}), plan(2, {"churn:1": "x", "fraud:1": "y"})
    state = State(new, {}, {old.revision: old, new.revision: new})
    looking = sent(Seen(old.revision, {"churn:1": SlotReport("ready")}), Prepare(new, {}), new)
    known = status.slots(state, [looking], {}, {})
    assert (known["churn:1"].state, known["fraud:1"].state) == ("ready", "wanted")
    assert status.slots(state, [looking, Seen()], {}, {})["churn:1"].state == "wanted"
    said = heard(looking, new.revision, {"churn:1": SlotReport("failed", "no memory")})
    assert status.slots(state, [said], {}, {})["churn:1"].state == "failed"


def test_slots_of_older_revisions_are_draining() -> None:
    old, new = plan(1, {"churn:1": "x"}), plan(2, {"churn:2": "y"})
    state = State(new, {"churn": old.revision}, {old.revision: old, new.revision: new})
    assert status.slots(state, [], {}, {})["churn:1"] == SlotStatus("draining")


def test_the_last_troubles_of_all_workers_are_told_oldest_first() -> None:
    one = Told(tuple(Trouble(float(at), "a", "x") for at in range(0, 40, 2)))
    two = Told(tuple(Trouble(float(at), "b", "x") for at in range(1, 41, 2)))
    assert [trouble.at for trouble in status.troubles([one, two])] == [float(at) for at in range(20, 40)]


def _seen(report: SlotReport) -> Seen:
    return Seen(None, {"churn:1": report})


@given(st.binary(max_size=200), st.integers(0, 300))
def test_a_kept_document_is_read_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, place: int
) -> None:
    path = tmp_path_factory.mktemp("kept") / "plan.json"
    kept = Kept(path)
    assert kept.read() is None
    kept.write(body)
    assert kept.read() == body
    data = bytearray(path.read_bytes())
    if place < len(data) and place != 64:  # the line break between the two means nothing
        data[place] ^= 1
        path.write_bytes(data)
        assert kept.read() is None


class Source:
    """Where bundles come from: counts who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: dict[str, bytes] = {}

    def add(self, body: bytes, folder: Path) -> str:
        file = folder / "new"
        file.write_bytes(body)
        url = artifact_url("s3://models", sha256(file))
        self.bodies[url] = body
        return url

    def fetch(self, url: str, path: Path) -> None:
        self.asked.append(url)
        if url not in self.bodies:
            msg = "it is not there"
            raise NotFound(msg)
        whole.write(path, [self.bodies[url]])


def test_a_bundle_is_fetched_once_and_again_when_it_was_damaged(tmp_path: Path) -> None:
    source = Source()
    url = source.add(b"model", tmp_path)
    shelf = Shelf(tmp_path / "shelf", source.fetch, 1000)
    shelf.stock(url)
    shelf.stock(url)
    assert source.asked == [url]
    shelf.path(url).write_bytes(b"damaged")
    shelf.stock(url)
    assert shelf.path(url).read_bytes() == b"model"
    assert source.asked == [url, url]


def test_what_no_plan_names_goes_first_used_longest_ago(tmp_path: Path) -> None:
    source = Source()
    urls = [source.add(bytes([number]) * 400, tmp_path) for number in range(4)]
    shelf = Shelf(tmp_path / "shelf", source.fetch, 1000)
    for age, url in enumerate(urls):
        shelf.stock(url)
        _aged(shelf.path(url), age)
    assert shelf.tidy({shelf.path(urls[0])}) == 800
    assert [shelf.path(url).exists() for url in urls] == [True, False, False, True]


def test_what_cannot_be_fetched_leaves_nothing_behind(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", Source().fetch, 1000)
    url = artifact_url("s3://models", "0" * 64)
    with pytest.raises(ModelportError):
        shelf.stock(url)
    assert not shelf.path(url).exists()


def _aged(path: Path, order: int) -> None:
    os.utime(path, (order, order))
