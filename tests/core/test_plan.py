"""A plan either holds together or is refused with every fault named."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.plan import EndpointSpec, Revision, Route, ServingPlan, Share, SlotSpec, check, digest
from modelport.errors import PlanRefused


def plan(
    *shares: tuple[str, int], slots: tuple[SlotSpec, ...] | None = None, shadows: tuple[Share, ...] = ()
) -> ServingPlan:
    known = slots if slots is not None else tuple(SlotSpec(f"m:{n}", "m", n, f"m-{n}.bundle") for n in (1, 2))
    route = Route(tuple(Share(slot, weight) for slot, weight in shares), shadows=shadows)
    return ServingPlan(Revision(0, 1), known, (EndpointSpec("m", route),))


def test_a_plan_that_holds_together_passes() -> None:
    good = plan(("m:1", 9000), ("m:2", 1000))
    assert check(good) is good
    shadowed = plan(("m:1", 10_000), ("m:2", 0), shadows=(Share("m:2", 500),))
    assert check(shadowed) is shadowed
    assert msgspec.json.decode(msgspec.json.encode(good), type=ServingPlan) == good


SLOT = SlotSpec("m:1", "m", 1, "m.bundle")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (plan(("m:1", 9999)), "sum to 9999"),
        (plan(("m:1", 11_000), ("m:2", -1000)), "negative"),
        (plan(("m:1", 5000), ("m:1", 5000)), "2 times"),
        (plan(("m:3", 10_000)), "unknown slot"),
        (plan(("m:1", 10_000), slots=(SLOT, SLOT)), "2 times"),
        (plan(("m:1", 10_000), shadows=(Share("m:9", 1),)), "unknown shadow"),
        (plan(("m:1", 10_000), shadows=(Share("m:1", 1),)), "cannot be its shadow too"),
        (plan(("m:1", 10_000), shadows=(Share("m:2", 0),)), "the weight 0"),
        (plan(("m:1", 10_000), shadows=(Share("m:2", 1), Share("m:2", 1))), "2 times"),
        (plan(("m:1", 10_000), slots=(SlotSpec("m:1", "../m", 1, "m.bundle"),)), "not a valid"),
        (plan(("m:1", 10_000), slots=(SlotSpec("m:1", "m", 0, "m.bundle"),)), "version 0"),
        (plan(("m:1", 10_000), slots=(SlotSpec("m:1", "m", 1, ""),)), "no bundle"),
        (plan(("m:1", 10_000), slots=(SlotSpec("m:1", "m", 1, "m.bundle", instances=0),)), "0 instances"),
    ],
)
def test_a_fault_is_named(bad: ServingPlan, told: str) -> None:
    with pytest.raises(PlanRefused, match=told):
        check(bad)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(PlanRefused) as refused:
        check(plan(("m:7", 1), ("m:8", -3)))
    assert refused.value.message.count(";") >= 3


@given(st.from_type(ServingPlan))
def test_any_plan_that_can_be_written_is_accepted_or_refused(any_plan: ServingPlan) -> None:
    with contextlib.suppress(PlanRefused):
        assert check(any_plan) is any_plan


def test_the_digest_follows_the_content() -> None:
    assert digest(plan(("m:1", 10_000))) == digest(plan(("m:1", 10_000)))
    assert digest(plan(("m:1", 10_000))) != digest(plan(("m:2", 10_000)))
