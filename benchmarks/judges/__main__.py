"""Measures three judges on the same streams: `python -m benchmarks.judges FOLDER [rollouts]`.

Writes one CSV for each scenario (when each rollout was said to be harmful, in requests of the candidate;
empty for never), and with matplotlib one SVG of all.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.judges import peers
from benchmarks.judges.streams import ALWAYS, Arm, Stream, Traffic
from benchmarks.judges.trial import Look, first, ours
from modelport.core.deployment import Terms

AS_EVER = Arm()


@dataclass(frozen=True)
class Scenario:
    """A candidate beside a baseline that is as ever, and what the peers look at."""

    title: str
    candidate: Arm
    metric: peers.Metric
    traffic: Traffic = ALWAYS


SCENARIOS: Mapping[str, Scenario] = {
    "equal": Scenario("Nothing is wrong", AS_EVER, peers.fault_share),
    "errors": Scenario("Errors 0.5 % to 3 %", replace(AS_EVER, errors=0.03), peers.fault_share),
    "latency": Scenario("Latencies x 1.5", replace(AS_EVER, median=0.03), peers.p95),
    "accuracy": Scenario(
        "Accuracy 92 % to 87 %",
        replace(AS_EVER, wrong=0.13),
        peers.wrong_share,
        Traffic(late=0.5, delay=20),
    ),
}


def judges(scenario: Scenario) -> Mapping[str, Callable[[], Look]]:
    """A new judge of each kind."""
    return {
        "modelport": lambda: ours(Terms()),
        "kayenta": lambda: peers.kayenta(scenario.metric),
        "flagger": peers.flagger,
    }


def measure(scenario: Scenario, rollouts: int) -> Mapping[str, list[int | None]]:
    """By judge, after how many requests of the candidate each rollout was said to be harmful."""
    found: dict[str, list[int | None]] = {}
    for name, judge in judges(scenario).items():
        streams = (
            Stream(np.random.default_rng([2026, at]), scenario.candidate, AS_EVER, scenario.traffic)
            for at in range(rollouts)
        )
        said = [first(stream, judge()) for stream in streams]
        found[name] = [None if each is None else each.requests for each in said]
    return found


def write(path: Path, found: Mapping[str, list[int | None]]) -> None:
    """A row a rollout, a column a judge."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(found)
        rows.writerows(
            ["" if each is None else each for each in row] for row in zip(*found.values(), strict=True)
        )


def read(path: Path) -> Mapping[str, list[int | None]]:
    """What `write` wrote."""
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
    return {name: [int(row[at]) if row[at] else None for row in rows] for at, name in enumerate(names)}


def draw(folder: Path) -> None:
    """All scenarios of a folder side by side: share of the rollouts that were rolled back by then."""
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "judges"
    figure, axes = plt.subplots(1, len(SCENARIOS), figsize=(14, 3.4), sharey=True)
    for axis, (name, scenario) in zip(axes, SCENARIOS.items(), strict=True):
        for judge, said in read(folder / f"{name}.csv").items():
            at = sorted(each for each in said if each is not None)
            shares = [(number + 1) / len(said) for number in range(len(at))]
            axis.step([0, *at, 2000], [0, *shares, shares[-1] if shares else 0], where="post", label=judge)
        axis.set(title=scenario.title, xlabel="requests of the candidate", xlim=(0, 2000), ylim=(-0.02, 1.02))
    axes[0].set_ylabel("rolled back")
    axes[0].legend(loc="center right")
    figure.tight_layout()
    figure.savefig(folder / "judges.svg", metadata={"Date": None})


def main(folder: Path, rollouts: int = 200) -> None:
    """Measure, write, draw."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, scenario in SCENARIOS.items():
        found = measure(scenario, rollouts)
        write(folder / f"{name}.csv", found)
        for judge, said in found.items():
            at = [np.inf if each is None else each for each in said]
            print(
                f"{scenario.title}: {judge} {np.mean(np.isfinite(at)):.1%}, median {np.median(at):.0f}",
                flush=True,
            )
    draw(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(each) for each in sys.argv[2:3]))
