"""The command itself: what is asked, what is shown, what is written."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelport.cli import options
from modelport.errors import ModelportError

if TYPE_CHECKING:
    from modelport.cli.tune.search import Progress
    from modelport.cli.tune.space import Tried
    from modelport.core.tuning import Tuning


class Duration(click.ParamType[float]):
    """A time as `50ms`, `0.5s` or `2m`, in seconds."""

    name = "duration"
    _UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0}  # noqa: RUF012 - a constant of a class that Click makes once

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds that this text is."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m)", str(value).strip())
        seconds = float(found[1]) * self._UNITS[found[2]] if found else 0.0
        if seconds <= 0:
            self.fail(f"{value!r} is not a time, as 50ms, 0.5s or 2m.", param, ctx)
        return seconds


@click.command("tune")
@click.argument(
    "bundles",
    type=options.path,
    nargs=-1,
    required=True,
    help="A bundle, or several of one model to compare, as fp32 and int8.",
)
@click.option("--target-p99", type=Duration(), required=True, help="Latency to keep, as 50ms.")
@click.option(
    "--rate", type=options.Number(0, min_open=True), help="Answers per second wanted: fewest cores that do."
)
@click.option("--sample", type=options.path, help="Rows to ask (.csv). Default: the bundle's golden rows.")
@click.option("--labels-column", help="Column of the sample that the model does not take.")
@click.option("--budget", type=Duration(), default="60s", help="Time to spend, about.")
@click.option("--plot", type=options.path, help="Write the trade-off as a picture, .svg.")
@click.option("--write/--no-write", default=True, help="Write the result into the bundle.")
@options.as_json
def command(
    *,
    bundles: tuple[Path, ...],
    target_p99: float,
    rate: float | None,
    sample: Path | None,
    labels_column: str | None,
    budget: float,
    plot: Path | None,
    write: bool,
    as_json: bool,
) -> None:
    """Measure a real server on this machine and find its settings of most throughput within a latency."""
    from modelport.cli.tune import measure
    from modelport.cli.tune.search import Goal, Search

    goal = Goal(1e3 * target_p99, rate, budget)
    candidates = [measure.candidate(path, sample, labels_column) for path in bundles]
    bench = measure.Bench(candidates, goal.target_ms)
    with _progress(shown=not as_json) as tell:
        search = Search(goal, bench.measure, time.perf_counter, tell)
        chosen = search.run(len(bundles), _cores())
    if plot is not None:
        _draw(plot, search.tried, chosen, goal.target_ms)
    if not as_json:
        _show(bundles, search.tried, chosen, goal.target_ms)
    if chosen is None:
        nearest = min(point.p99_ms for each in search.tried for point in each.points)
        msg = f"no setting keeps p99 within {goal.target_ms:g} ms here; the nearest had {nearest:.1f} ms"
        hint = "allow more time, or make the model smaller: modelport quantize"
        raise ModelportError(msg, code="target-missed", hint=hint)
    _conclude(bundles, chosen, search.tried, goal.target_ms, write=write, as_json=as_json)


def _conclude(
    bundles: Sequence[Path],
    chosen: Tried,
    tried: Sequence[Tried],
    target_ms: float,
    *,
    write: bool,
    as_json: bool,
) -> None:
    import msgspec

    from modelport.bundle.attach import attach
    from modelport.cli.tune.show import described
    from modelport.cli.tune.space import within
    from modelport.core.tuning import ATTACHMENT

    tuning, path = _tuning(chosen, target_ms), bundles[chosen.setting.bundle]
    if write:
        attach(path, ATTACHMENT, msgspec.json.format(msgspec.json.encode(tuning), indent=2))
    if as_json:
        click.echo(msgspec.json.encode({"path": str(path), "tuning": tuning, "tried": tried}))
        return
    point = within(chosen, target_ms)
    assert point is not None
    click.echo(f"best    {described(chosen.setting, path, point)}")
    if write:
        click.echo(f"written into {path.name}: `modelport serve {path.name}` takes it from there")


def _tuning(chosen: Tried, target_ms: float) -> Tuning:
    from datetime import UTC, datetime

    from modelport.cli.tune.space import within
    from modelport.compile.quantize.processor import processor
    from modelport.core.tuning import Tuning

    setting, point = chosen.setting, within(chosen, target_ms)
    assert point is not None
    return Tuning(
        batch_size=setting.batch_size,
        instances=setting.instances,
        threads=setting.threads,
        intra_op=setting.intra_op,
        workers=setting.workers,
        target_p99_ms=target_ms,
        connections=point.connections,
        rate=round(point.rate, 1),
        p99_ms=point.p99_ms,
        cores=_cores(),
        processor=processor().name,
        measured=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def _show(bundles: Sequence[Path], tried: Sequence[Tried], chosen: Tried | None, target_ms: float) -> None:
    from modelport.cli.tune import show

    show.table(tried, bundles, chosen, target_ms)
    click.echo(show.plot(tried, chosen, target_ms))


def _draw(path: Path, tried: Sequence[Tried], chosen: Tried | None, target_ms: float) -> None:
    from modelport.cli.tune.svg import draw

    try:
        path.write_text(draw(tried, chosen, target_ms, "Throughput and latency"), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {path.name!r}: {error.strerror}"
        raise ModelportError(msg, code="not-writable") from error


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """A bar where somebody watches."""
    if not shown or not sys.stderr.isatty():
        yield _say_nothing
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("measuring", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=min(1.0, share))


def _say_nothing(what: str, share: float) -> None:
    """Progress where nobody watches."""
