"""`modelport schema`: what documents may say, for editors."""

from __future__ import annotations

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of the configuration language; with it editors complete and check documents."""
    from modelport.cli.output import print_json
    from modelport.control.documents.schema import schema

    print_json(schema())
