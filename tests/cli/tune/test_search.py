"""The search for the best setting, against machines that are made up: a budget, noise, a target."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelport.cli.tune import show, space, svg
from modelport.cli.tune.search import Goal, Search
from modelport.cli.tune.space import Point, Setting, Tried, goes_on, ladder


@dataclass
class Machine:
    """Answers in a time that depends on the setting; starting a server takes a second."""

    cores: int = 2
    noise: float = 0.0
    faster: tuple[float, ...] = (1.0,)
    seconds: float = 0.0
    measured: list[Setting] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def clock(self) -> float:
        return self.seconds

    def measure(self, setting: Setting, connections: Sequence[int] | None, seconds: float) -> Tried:
        self.seconds += 1.0
        self.measured.append(setting)
        points: list[Point] = []
        for count in connections or ladder():
            self.seconds += seconds
            points.append(self._point(setting, count, seconds))
            if connections is None and not goes_on(points, 50.0):
                break
        return Tried(setting, tuple(points))

    def _point(self, setting: Setting, callers: int, seconds: float) -> Point:
        """Ten milliseconds a row on a core; a batch of eight costs what four rows cost."""
        useful = min(setting.cores, self.cores, callers)
        together = min(setting.batch_size, max(1, callers // useful))
        saved = 2.0 if together >= 8 else 1.0
        rate = (
            useful
            * 100
            * saved
            * self.faster[setting.bundle]
            * (1 + self.dice.uniform(-self.noise, self.noise))
        )
        p50 = 1e3 * callers / rate
        return Point(callers, int(rate * seconds), rate, p50, 1.05 * p50)


def run(machine: Machine, *, budget: float = 60.0, rate: float | None = None, bundles: int = 1) -> Search:
    search = Search(Goal(50.0, rate, budget), machine.measure, machine.clock, lambda what, share: None)
    search.run(bundles, machine.cores)
    return search


def test_both_cores_are_found() -> None:
    best = space.best(run(Machine()).tried, 50.0, None)
    assert best is not None
    assert best.setting.cores == 2


def test_the_default_is_always_measured_first() -> None:
    machine = Machine()
    run(machine, budget=0.1)
    assert machine.measured == [Setting(0)]


@pytest.mark.parametrize("budget", [5.0, 20.0, 60.0, 300.0])
def test_the_search_ends_within_its_budget_and_one_measurement(budget: float) -> None:
    machine = Machine(cores=16)
    run(machine, budget=budget)
    assert machine.seconds <= budget + 16.0


def test_the_best_are_measured_again_in_turn() -> None:
    machine = Machine()
    search = run(machine)
    finalists = space.ranked(search.tried, 50.0)[:3]
    again = machine.measured[-2 * len(finalists) :]
    assert again[: len(finalists)] == again[len(finalists) :]


def test_noise_does_not_hide_twice_the_throughput() -> None:
    for seed in range(20):
        machine = Machine(noise=0.15, dice=random.Random(seed))
        best = space.best(run(machine).tried, 50.0, None)
        assert best is not None
        assert best.setting.cores == 2


def test_one_point_without_growth_is_no_summit() -> None:
    def climb(*rates: float) -> bool:
        points = [Point(2**place, 100, rate, 1.0, 1.0) for place, rate in enumerate(rates)]
        return goes_on(points, 50.0)

    assert climb(100, 90)
    assert climb(100, 90, 150)
    assert not climb(100, 90, 101)


def test_a_wanted_rate_is_reached_with_as_few_cores_as_do() -> None:
    best = space.best(run(Machine(), rate=80.0).tried, 50.0, 80.0)
    assert best is not None
    assert best.setting.cores == 1


def test_a_target_that_nothing_meets_has_no_best() -> None:
    tried = [Tried(Setting(0), (Point(1, 10, 10.0, 60.0, 90.0),))]
    assert space.best(tried, 50.0, None) is None


def test_a_point_with_failed_calls_is_no_throughput() -> None:
    tried = Tried(Setting(0), (Point(1, 90, 90.0, 10.0, 12.0), Point(2, 180, 180.0, 10.0, 12.0, failed=1)))
    point = space.within(tried, 50.0)
    assert point is not None
    assert point.connections == 1


@given(st.integers(1, 128))
def test_every_share_keeps_all_cores_busy_that_share_out_evenly(cores: int) -> None:
    settings = space.shares(0, cores)
    assert len(set(settings)) == len(settings)
    assert all(each.cores in {1 << (cores.bit_length() - 1), cores} for each in settings)
    assert Setting(0) not in settings


def test_cores_are_shared_out_for_the_better_bundle_only() -> None:
    """The second bundle is twice as fast: nothing but its default is measured of the first."""
    machine = Machine(faster=(1.0, 2.0))
    search = run(machine, bundles=2)
    best = space.best(search.tried, 50.0, None)
    assert best is not None
    assert best.setting.bundle == 1
    assert [each for each in machine.measured if each.bundle == 0] == [Setting(0)]


def test_the_plot_shows_every_point_and_the_target() -> None:
    search = run(Machine())
    best = space.best(search.tried, 50.0, None)
    text = show.plot(search.tried, best, 50.0)
    assert {"#", "o", "|"} <= set(text)
    assert max(map(len, text.splitlines())) <= 80


def test_the_picture_is_well_formed_and_shows_a_line_per_setting() -> None:
    search = run(Machine())
    picture = ET.fromstring(svg.draw(search.tried, search.tried[0], 50.0, "A <title> & more"))
    lines = picture.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == len(search.tried)
