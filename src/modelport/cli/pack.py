"""`modelport pack`: a trained model into a verified, portable bundle."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(help="The model: .joblib, .pkl, .skops or .onnx.")],
    *,
    name: Annotated[str, typer.Option(help="The model's name.")],
    sample: Annotated[
        Path, typer.Option(help="Rows as callers will send them (.csv): parity is proven on them.")
    ],
    vectorizer: Annotated[
        Path | None, typer.Option(help="A vectorizer that is in a file of its own.")
    ] = None,
    labels: Annotated[str, typer.Option(help="Names of the classes, in order, as stays,leaves.")] = "",
    version: Annotated[str | None, typer.Option(help="A label for people, as 2.1.0.")] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Load a pickle, in the sandbox: it can run any code.")
    ] = False,
    allow_weak_sandbox: Annotated[
        bool, typer.Option("--allow-weak-sandbox", help="Go on where the system offers no strong sandbox.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Where to write: a directory, or a .zip. Default: NAME.bundle.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compile a model, prove that it answers as the original does, and write a bundle."""
    from modelport.compile.pack_file import pack_file

    target = output or Path(f"{name}.bundle")
    with _working(f"packing {file.name}"):
        packed = pack_file(
            file,
            name=name,
            sample_path=sample,
            vectorizer=vectorizer,
            labels=_labels(labels),
            version=version,
            trust_pickle=trust_pickle,
            allow_weak_sandbox=allow_weak_sandbox,
        )
        packed.save(target)
    _report(target, as_json=as_json)


def _labels(text: str) -> list[str] | None:
    return [label.strip() for label in text.split(",")] if text else None


def _working(what: str) -> AbstractContextManager[object]:
    """A spinner where somebody watches."""
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(what)


def _report(target: Path, *, as_json: bool) -> None:
    """What was written, read back from where it was written."""
    import msgspec

    from modelport.bundle.reader import open_bundle
    from modelport.cli import evidence
    from modelport.cli.inspect import describe_parity, describe_speed

    with open_bundle(target) as bundle:
        found = evidence.gather(bundle)
    if as_json:
        typer.echo(msgspec.json.encode({"path": str(target), **found}))
        return
    typer.echo(f"{target}  {found['runtime']}, {found['size']:,} bytes, identity {found['identity'][:12]}…")
    typer.echo(f"parity  {describe_parity(found['parity'])}")
    for line in describe_speed(found["speed"]).splitlines():
        typer.echo(f"speed   {line}")
    typer.echo(f"next    modelport serve {target}")
