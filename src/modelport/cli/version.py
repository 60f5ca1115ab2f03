"""`modelport version`."""

from __future__ import annotations

import platform

import click

from modelport import __version__
from modelport.cli import options

_PARTS = ("onnxruntime", "numpy", "uvloop", "scikit-learn", "skl2onnx", "onnx")


@click.command("version")
@options.as_json
def command(*, as_json: bool) -> None:
    """Print the versions of Modelport and of what its answers depend on."""
    versions = {"modelport": __version__, "python": platform.python_version()}
    versions |= {name: found for name in _PARTS if (found := _installed(name))}
    if as_json:
        from modelport.cli.output import print_json

        print_json(versions)
        return
    for name, number in versions.items():
        click.echo(f"{name} {number}")


def _installed(name: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
