"""A worker brings itself to its plan, and says how far it is without drowning who listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.serving.regression import manifest

from modelport.core.plan import Revision, ServingPlan, SlotSpec
from modelport.errors import BundleError
from modelport.serving import manager
from modelport.serving.loader import Hosted, Verified, Warm
from modelport.serving.manager import Manager
from modelport.serving.replica.messages import Prepare, Prepared
from modelport.serving.settings import Settings
from modelport.serving.table import LiveSlot


async def assemble(spec: SlotSpec, warm: Warm | Verified | Hosted, place: int) -> LiveSlot:
    empty: dict[str, Any] = dict.fromkeys(LiveSlot.__dataclass_fields__)
    return LiveSlot(
        **(empty | {"spec": spec, "manifest": warm.manifest, "identity": warm.identity, "place": place})
    )


def load(spec: SlotSpec, **_: Any) -> Warm:
    if spec.bundle == "broken":
        msg = "no such bundle"
        raise BundleError(msg)
    return Warm(manifest(), "0" * 64, cast("Any", None), ())


async def bring(*bundles: str) -> list[Prepared]:
    """All that a manager says of a plan with a slot per bundle."""
    slots = tuple(SlotSpec(f"m:{n}", "m", n, bundle) for n, bundle in enumerate(bundles, 1))
    said: list[Any] = []
    with ThreadPoolExecutor(1) as executor:
        worker = Manager(Settings(), assemble, executor, said.append)
        plan = ServingPlan(Revision(0, 1), slots, ())
        worker.prepare(Prepare(plan, {slot.id: at for at, slot in enumerate(slots)}))
        await asyncio.wait_for(worker.settled.wait(), 30)
    return said


@pytest.fixture(autouse=True)
def quick_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "load", load)
    monkeypatch.setattr(manager, "_BETWEEN", 3600.0)


def test_the_first_and_the_last_report_come_at_once_and_the_rest_together() -> None:
    said = asyncio.run(bring(*["good"] * 200))
    assert len(said) == 2
    assert {report.state for report in said[0].slots.values()} == {"wanted"}
    assert {report.state for report in said[-1].slots.values()} == {"ready"}


def test_a_slot_that_cannot_load_fails_alone_and_with_its_reason() -> None:
    last = asyncio.run(bring("good", "broken", "good"))[-1]
    assert [last.slots[name].state for name in ("m:1", "m:2", "m:3")] == ["ready", "failed", "ready"]
    assert last.slots["m:2"].reason == "no such bundle"


class Busy:
    """A batcher that still has work."""

    def __init__(self) -> None:
        self.idle = False
        self.when_idle: Callable[[], None] | None = None
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_a_retired_slot_is_kept_until_its_last_call_is_answered_and_no_longer() -> None:
    async def story() -> None:
        batcher = Busy()

        async def with_batcher(spec: SlotSpec, warm: Warm | Verified | Hosted, place: int) -> LiveSlot:
            return replace(await assemble(spec, warm, place), dispatcher=cast("Any", batcher))

        slot = SlotSpec("m:1", "m", 1, "good")
        with ThreadPoolExecutor(1) as executor:
            worker = Manager(Settings(), with_batcher, executor, lambda _: None)
            for number, slots in ((1, (slot,)), (2, ())):
                worker.settled.clear()
                plan = ServingPlan(Revision(0, number), slots, ())
                worker.prepare(Prepare(plan, dict.fromkeys((one.id for one in slots), 0)))
                await asyncio.wait_for(worker.settled.wait(), 30)
        assert [live.spec for live in worker.live] == [slot]
        batcher.idle = True
        assert batcher.when_idle is not None
        batcher.when_idle()
        assert worker.live == []
        assert batcher.closed

    asyncio.run(story())
