"""A run on disk: one JSON file per scenario, the last run each, complete enough to print the report from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from benchmarks import env, machine, peers
from benchmarks.aims import Outcome, Series, judge
from benchmarks.places import RESULTS
from benchmarks.scenario import Scenario, Timing


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one scenario.

    Attributes:
        scenario: its name.
        date: of the end of the run, UTC.
        machine: see `machine.describe`.
        timing: see `Timing`.
        versions: subject to distribution to version.
        series: subject to metric to one value per round.
        outcomes: aims in words with the number reached; for readers of the file, the report judges anew.
    """

    scenario: str
    date: str
    machine: dict[str, str]
    timing: Timing
    versions: dict[str, dict[str, str]]
    series: Series
    outcomes: list[Outcome]


def result(scenario: Scenario, timing: Timing, series: Series) -> Result:
    """The run with everything one needs to know to judge it."""
    return Result(
        scenario.name,
        datetime.now(UTC).strftime("%Y-%m-%d"),
        machine.describe(),
        timing,
        {name: versions(name) for name in series},
        series,
        [judge(aim, series) for aim in scenario.aims],
    )


def versions(subject: str) -> dict[str, str]:
    """Distributions that matter for a subject, with versions."""
    if subject == peers.RUNTIME_ONLY:
        return {"onnxruntime": env.pins(subject)["onnxruntime"]}
    return dict(peers.named(subject).versions)


def save(told: Result) -> None:
    """Write the result, replacing the scenario's last one."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    document = msgspec.json.format(msgspec.json.encode(told), indent=1)
    (RESULTS / f"{told.scenario}.json").write_bytes(document + b"\n")


def stored(names: Iterable[str]) -> list[Result]:
    """The last result of each scenario that has one, in the order of the names."""
    files = [RESULTS / f"{name}.json" for name in names]
    return [msgspec.json.decode(file.read_bytes(), type=Result) for file in files if file.exists()]
