"""`modelport version`."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from modelport import __version__

_PARTS = ("onnxruntime", "numpy", "uvloop", "scikit-learn", "skl2onnx", "onnx")


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the versions of Modelport and of what its answers depend on."""
    versions = {"modelport": __version__, "python": platform.python_version()}
    versions |= {name: found for name in _PARTS if (found := _installed(name))}
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(versions))
        return
    for name, number in versions.items():
        typer.echo(f"{name} {number}")


def _installed(name: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
