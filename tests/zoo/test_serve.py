"""A server that is handed broken and hostile bundles refuses each, and goes on answering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.acceptance.models import dummy
from tests.acceptance.rawclient import request
from tests.acceptance.served import Served, serve, summing
from tests.zoo import folders, graphs, pickles

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec
from modelport.serving.settings import Settings
from modelport.testing.replica import eventually, make_plan, publish

Break = Callable[[Path], object]


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """A replica that watches a plan file, and the folder of the file."""
    folder = tmp_path_factory.mktemp("zoo")
    publish(folder / "plan.json", make_plan(1, good=dummy(folder / "good.bundle", "good")))
    settings = Settings(plan=str(folder / "plan.json"), port=0)
    with serve(folder, settings, summing("good")) as one:
        yield one, folder


def _replace(name: str, data: bytes) -> Break:
    return lambda bundle: (bundle / name).write_bytes(data)


def _cut(name: str) -> Break:
    return lambda bundle: (bundle / name).write_bytes((bundle / name).read_bytes()[:-40])


def _without_manifest(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()


def _empty(bundle: Path) -> None:
    for each in bundle.rglob("*"):
        if each.is_file():
            each.unlink()


def _link(bundle: Path) -> None:
    (bundle / "manifest.json").unlink()
    (bundle / "manifest.json").symlink_to("/etc/passwd")


BUNDLES: dict[str, Break] = {
    "no-manifest": _without_manifest,
    "manifest-cut": _cut("manifest.json"),
    "manifest-deep": _replace("manifest.json", b"[" * 100_000),
    "manifest-pickle": _replace("manifest.json", b"\x80\x04K\x01."),
    "manifest-link": _link,
    "hidden-pickle": _replace("model/hidden.pkl", b"\x80\x04K\x01."),
    "nothing": _empty,
}
FILES = {
    animal.name: animal
    for animal in (*graphs.ANIMALS[1:3], *pickles.ANIMALS[3:4], *folders.ANIMALS[:1], *folders.ANIMALS[8:10],
                   *folders.ANIMALS[14:16])
}  # fmt: skip


def plan_with(folder: Path, beast: str, number: int) -> ServingPlan:
    """A slot that answers, as before, and a new one."""
    slots = (
        SlotSpec("good:1", "good", 1, str(folder / "good.bundle")),
        SlotSpec(f"beast:{number}", "beast", number, beast),
    )
    routes = (("good", "good:1"), ("beast", f"beast:{number}"))
    endpoints = tuple(EndpointSpec(name, Route((Share(slot, 10_000),))) for name, slot in routes)
    return ServingPlan(Revision(0, number), slots, endpoints)


def refused(replica: tuple[Served, Path], beast: str, number: int) -> None:
    """The one slot fails with its reason, and the other goes on, in the same processes."""
    served, folder = replica
    seen = len(served.running.events("slot failed"))
    with served.unharmed():
        publish(folder / "plan.json", plan_with(folder, beast, number))
        eventually(lambda: len(served.running.events("slot failed")) > seen)
    told = served.ask(request("GET", "/debug/plan")).body.decode()
    assert "Traceback" not in told
    assert str(folder) not in told


@pytest.mark.parametrize(("number", "name"), list(enumerate(BUNDLES, 10)), ids=BUNDLES)
def test_a_broken_bundle_is_refused_and_the_server_lives_on(
    replica: tuple[Served, Path], number: int, name: str
) -> None:
    bundle = Path(dummy(replica[1] / f"{name}.bundle", "beast"))
    (bundle / "model").mkdir(exist_ok=True)
    BUNDLES[name](bundle)
    refused(replica, str(bundle), number)


@pytest.mark.parametrize(("number", "name"), list(enumerate(FILES, 100)), ids=FILES)
def test_a_model_file_in_place_of_a_bundle_is_refused_and_the_server_lives_on(
    replica: tuple[Served, Path], number: int, name: str
) -> None:
    folder = replica[1] / name
    folder.mkdir()
    refused(replica, str(FILES[name].write(folder)), number)
