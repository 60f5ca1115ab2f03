"""Which models are to be in memory: laws that hold for any sizes, uses and budgets."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from modelport.serving.lazy.policy import Step, next_step, oldest, pause, stale


@dataclass(eq=False)
class Model:
    size: int
    used: float
    in_use: bool


MODELS = st.lists(st.builds(Model, st.integers(0, 50), st.floats(0, 100), st.booleans()), max_size=12)


def total(models: list[Model]) -> int:
    return sum(model.size for model in models)


@given(MODELS, MODELS, st.integers(0, 200), st.integers(0, 100))
def test_what_is_in_use_is_never_let_go(
    wanted: list[Model], loaded: list[Model], budget: int, pinned: int
) -> None:
    step = next_step(wanted, loaded, budget=budget, pinned=pinned)
    assert not any(model.in_use for model in step.evict)
    assert set(step.evict) <= set(loaded)


@given(MODELS, MODELS, st.integers(0, 200), st.integers(0, 100))
def test_a_load_never_exceeds_the_budget(
    wanted: list[Model], loaded: list[Model], budget: int, pinned: int
) -> None:
    step = next_step(wanted, loaded, budget=budget, pinned=pinned)
    if step.load is not None:
        kept = [model for model in loaded if model not in step.evict]
        assert pinned + total(kept) + step.load.size <= budget


@given(MODELS, MODELS, st.integers(0, 200), st.integers(0, 100))
def test_those_used_least_recently_go_and_no_more_than_needed(
    wanted: list[Model], loaded: list[Model], budget: int, pinned: int
) -> None:
    step = next_step(wanted, loaded, budget=budget, pinned=pinned)
    free = [model for model in loaded if not model.in_use and model not in step.evict]
    assert all(gone.used <= kept.used for gone in step.evict for kept in free)
    if step.evict:
        spared = [model for model in loaded if model not in step.evict[:-1]]
        assert pinned + total(spared) + (step.load.size if step.load else 0) > budget


@given(MODELS, MODELS, st.integers(0, 200), st.integers(0, 100))
def test_only_a_model_that_can_never_fit_is_refused(
    wanted: list[Model], loaded: list[Model], budget: int, pinned: int
) -> None:
    step = next_step(wanted, loaded, budget=budget, pinned=pinned)
    if step.refuse is not None:
        assert pinned + step.refuse.size > budget


@given(MODELS, MODELS, st.integers(0, 200), st.integers(0, 100))
def test_waiting_has_a_reason(wanted: list[Model], loaded: list[Model], budget: int, pinned: int) -> None:
    """When nothing is done, no one who waits would fit even if all that is idle went."""
    if next_step(wanted, loaded, budget=budget, pinned=pinned) == Step():
        busy = total([model for model in loaded if model.in_use])
        assert all(pinned + busy + model.size > budget for model in wanted)


@given(MODELS, MODELS, st.integers(0, 200), st.integers(0, 100))
def test_following_the_steps_ends_within_the_budget_where_it_can_be(
    wanted: list[Model], loaded: list[Model], budget: int, pinned: int
) -> None:
    wanted, loaded = list(wanted), list(loaded)
    for _ in range(2 * len(wanted) + len(loaded) + 2):
        step = next_step(wanted, loaded, budget=budget, pinned=pinned)
        if step == Step():
            break
        loaded = [model for model in loaded if model not in step.evict]
        wanted = [model for model in wanted if model not in {step.load, step.refuse}]
        loaded += [step.load] if step.load else []
    assert next_step(wanted, loaded, budget=budget, pinned=pinned) == Step()
    if pinned + total(loaded) > budget:
        assert all(model.in_use or model.size == 0 for model in loaded)


@given(MODELS, st.integers(0, 200), st.integers(0, 50))
def test_a_model_nobody_waits_for_is_only_loaded_into_free_memory(
    loaded: list[Model], budget: int, size: int
) -> None:
    early = Model(size, 0.0, in_use=False)
    step = next_step([], loaded, budget=budget, early=early)
    if step.load is early:
        assert not step.evict
        assert total(loaded) + size <= budget


def test_who_waits_is_served_before_what_is_loaded_early() -> None:
    waits, early = Model(1, 0, in_use=True), Model(1, 0, in_use=False)
    assert next_step([waits], [], budget=10, early=early).load is waits


def test_a_large_model_that_finds_no_room_lets_smaller_ones_pass() -> None:
    large, small, busy = Model(8, 0, in_use=True), Model(2, 0, in_use=True), Model(5, 0, in_use=True)
    assert next_step([large, small], [busy], budget=10).load is small


@given(MODELS, st.floats(0, 100))
def test_only_models_that_nobody_asked_for_go_stale(loaded: list[Model], since: float) -> None:
    assert all(model.used < since and not model.in_use for model in stale(loaded, since))


@given(MODELS)
def test_nothing_goes_when_nothing_is_needed(loaded: list[Model]) -> None:
    assert oldest(loaded, 0) == ()


def test_a_model_that_fails_to_load_is_tried_again_ever_later_up_to_a_minute() -> None:
    assert [pause(failures) for failures in (1, 2, 3, 6, 7, 100)] == [1, 2, 4, 32, 60, 60]
