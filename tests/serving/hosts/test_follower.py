"""The number of hosts follows the load: simulated loads, hosts that start slowly, no clock but ours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.core.plan import Scaling
from modelport.serving.hosts.follower import Follower, Load
from modelport.serving.scaling.instances import CALM

TICK = 0.1
PER_HOST = 100.0
"""Calls a second that one host answers."""


class Simulated:
    """Hosts that take calls `starting` seconds after they were asked for."""

    def __init__(self, most: int, cores: int, starting: float = 5.0) -> None:
        self.follower = Follower(Scaling(1, most, auto_scale=True), 1)
        self.cores = cores
        self.starting = starting
        self.births = [0.0]
        self.now = 0.0
        self.backlog = 0.0
        self.history: list[int] = []

    @property
    def ready(self) -> int:
        return sum(birth <= self.now for birth in self.births)

    def run(self, seconds: float, load: Callable[[float], float]) -> None:
        for _ in range(round(seconds / TICK)):
            able = self.ready * PER_HOST
            arrived = load(self.now) * TICK + self.backlog
            done = min(arrived, able * TICK)
            self.backlog = arrived - done
            self.now += TICK
            seen = Load(self.ready, self.backlog / able, done / (able * TICK))
            self.follower.look(seen, self.cores, self.now)
            wanted = self.follower.state.instances
            self.births += [self.now + self.starting] * (wanted - len(self.births))
            self.births = self.births[:wanted]
            self.history.append(wanted)


def test_no_more_hosts_are_started_while_one_starts() -> None:
    one = Simulated(8, 8, starting=20.0)
    one.run(15.0, lambda _: 150.0)
    assert one.history[-1] == 2
    one.run(600.0, lambda _: 150.0)
    assert one.ready in {2, 3}


def test_hosts_follow_the_load_up_and_down() -> None:
    one = Simulated(8, 16)
    one.run(120.0, lambda now: 5 * now)
    assert one.ready >= 6
    one.run(300.0, lambda _: 10.0)
    assert one.ready == 1


@pytest.mark.parametrize(("most", "cores", "limit"), [(8, 2, "cores"), (2, 8, "max_instances")])
def test_what_keeps_a_slot_from_more_hosts_is_said(most: int, cores: int, limit: str) -> None:
    one = Simulated(most, cores)
    one.run(30.0, lambda _: 1000.0)
    assert (one.follower.state.instances, one.follower.state.limit) == (2, limit)


@given(st.lists(st.floats(0, 900), min_size=1, max_size=20))
def test_it_stays_within_bounds_and_comes_down_slowly(loads: list[float]) -> None:
    one = Simulated(4, 16, starting=1.0)
    for load in loads:
        one.run(5.0, lambda _, load=load: load)  # type: ignore[misc]
    assert all(1 <= count <= 4 for count in one.history)
    downs = [at * TICK for at, (a, b) in enumerate(pairwise(one.history)) if b < a]
    assert all(later - earlier >= CALM - TICK for earlier, later in pairwise(downs))


def test_a_host_that_never_starts_is_given_up_once_it_is_calm() -> None:
    one = Simulated(4, 16, starting=1e9)
    one.run(10.0, lambda _: 200.0)
    assert one.history[-1] == 2
    one.backlog = 0.0
    one.run(30.0, lambda _: 10.0)
    assert one.history[-1] == 1


def test_a_number_that_is_asked_for_is_kept() -> None:
    for scaling in (None, Scaling(1, 8)):
        follower = Follower(scaling, 3)
        follower.look(Load(3, 9.0, 1.0), 8, 1.0)
        follower.look(Load(3, 9.0, 1.0), 8, 9.0)
        assert follower.state.instances == 3
        assert not follower.moves
