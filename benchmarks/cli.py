"""The command line: list scenarios, run them, check that peers answer right, print the report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import env, peers, report, results
from benchmarks.aims import judge
from benchmarks.failure import BenchmarkError
from benchmarks.fixtures import fixture
from benchmarks.places import PAGE
from benchmarks.process import running
from benchmarks.scenario import Scenario, Timing
from benchmarks.scenarios import SCENARIOS, named


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of `python -m benchmarks`."""
    chosen = _parser().parse_args(arguments)
    try:
        chosen.act(chosen)
    except BenchmarkError as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.set_defaults(act=_list)
    commands = parser.add_subparsers(metavar="COMMAND")
    commands.add_parser("list", help="scenarios, their subjects and aims").set_defaults(act=_list)
    _add_run(commands.add_parser("run", help="measure, store the result, print the report"))
    check = commands.add_parser("check", help="start each peer and compare its answers; no load")
    check.add_argument("peers", nargs="*", metavar="PEER", help="all when none is named")
    check.set_defaults(act=_check)
    commands.add_parser("prepare", help="make environments and fixtures").set_defaults(act=_prepare)
    commands.add_parser("report", help="print the page again from stored results").set_defaults(act=_report)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    default = Timing()
    run.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="all when none is named")
    run.add_argument("--peers", help="comma-separated subjects instead of the scenario's own; ours is added")
    run.add_argument("--rounds", type=int, default=default.rounds)
    run.add_argument("--warm", type=float, default=default.warm, metavar="SECONDS")
    run.add_argument("--measured", type=float, default=default.measured, metavar="SECONDS")
    run.add_argument("--server-core", type=int, default=default.server_core)
    run.add_argument("--load-core", type=int, default=default.load_core)
    run.add_argument("--smoke", action="store_true", help="one round of a second each; stores nothing")
    run.set_defaults(act=_run)


def _list(_: argparse.Namespace) -> None:
    for scenario in SCENARIOS.values():
        print(f"{scenario.name}: {scenario.title}")
        print(f"  subjects: {', '.join(scenario.subjects)}")
        for aim in scenario.aims:
            print(f"  aim: {aim.text}")


def _run(chosen: argparse.Namespace) -> None:
    timing = Timing(chosen.rounds, chosen.warm, chosen.measured, chosen.server_core, chosen.load_core)
    if chosen.smoke:
        timing = Timing(1, 1.0, 1.0, chosen.server_core, chosen.load_core)
    for scenario in [named(name) for name in chosen.scenarios or SCENARIOS]:
        subjects = _subjects(scenario, chosen.peers)
        print(f"{scenario.name}: {', '.join(subjects)}", flush=True)
        told = results.result(scenario, timing, scenario.run(subjects, timing))
        _print_aims(scenario, told)
        if not chosen.smoke:
            results.save(told)
    if not chosen.smoke:
        _report(chosen)


def _subjects(scenario: Scenario, wanted: str | None) -> tuple[str, ...]:
    if wanted is None:
        return scenario.subjects
    names = tuple(name.strip() for name in wanted.split(",") if name.strip())
    return tuple(dict.fromkeys((report.OURS, *names)))


def _print_aims(scenario: Scenario, told: results.Result) -> None:
    for outcome in (judge(aim, told.series) for aim in scenario.aims):
        reached = "not in this run" if outcome.reached is None else f"{outcome.reached.median:.3g}"
        verdict = {True: "met", False: "NOT MET", None: "-"}[outcome.met]
        print(f"  {verdict}: {outcome.aim.text}: {reached}")


def _check(chosen: argparse.Namespace) -> None:
    failed = []
    for name in chosen.peers or peers.known():
        try:
            _check_one(name)
        except BenchmarkError as error:
            failed.append(name)
            print(f"{name}: {error}", flush=True)
    if failed:
        msg = f"these do not answer right: {', '.join(failed)}"
        raise BenchmarkError(msg)


def _check_one(name: str) -> None:
    peer, timing = peers.named(name), Timing()
    for made in map(fixture, ("logistic", "forest", "text")):
        if made.task not in peer.tasks:
            continue
        with running(peer, made, core=timing.server_core, port=timing.port) as server:
            server.check(64)
            print(f"{name}: {made.name}: 64 answers right, first after {server.ready:.2f} s", flush=True)


def _prepare(_: argparse.Namespace) -> None:
    for name in (*(peer.name for peer in peers.FOREIGN), peers.RUNTIME_ONLY):
        env.interpreter(name)
    for name in ("logistic", "forest", "text"):
        fixture(name)


def _report(_: argparse.Namespace) -> None:
    told = results.stored(tuple(SCENARIOS))
    PAGE.write_text(report.page(told), encoding="utf-8")
    print(f"{PAGE.name} holds {len(told)} scenarios")
