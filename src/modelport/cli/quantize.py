"""`modelport quantize`: an fp32 bundle in fewer bits."""

from __future__ import annotations

from pathlib import Path

import click

from modelport.cli import options
from modelport.cli.pack import ALLOW_LOSS, LABELS_COLUMN, report, working


@click.command("quantize")
@click.argument("bundle", type=options.path, help="An fp32 bundle: a directory or a .zip.")
@click.option(
    "--precision",
    type=click.Choice(["int8", "fp16", "auto"]),
    default="auto",
    help="Fewer bits: int8, fp16, or auto, the fastest here that loses at most --allow-loss.",
)
@click.option(
    "--sample",
    type=options.path,
    required=True,
    help="Rows as callers will send them (.csv): the loss is judged on them.",
)
@click.option("--labels-column", help=LABELS_COLUMN)
@click.option("--allow-loss", type=options.Number(0, 100, min_open=True), help=ALLOW_LOSS)
@click.option("--output", type=options.path, required=True, help="Where to write: a directory, or a .zip.")
@options.as_json
def command(
    *,
    bundle: Path,
    precision: str,
    sample: Path,
    labels_column: str | None,
    allow_loss: float | None,
    output: Path,
    as_json: bool,
) -> None:
    """Make a bundle of fewer bits from an fp32 one, and judge what it loses and gains."""
    from modelport.bundle.reader import open_bundle
    from modelport.bundle.writer import write
    from modelport.compile.quantize.bundled import quantize_bundle
    from modelport.compile.quantize.wish import wish
    from modelport.compile.readers import read_column
    from modelport.compile.sample import Sample

    truth = None if labels_column is None else read_column(sample, labels_column)
    asked = wish(precision, truth, allow_loss)
    assert asked is not None
    with working(f"quantising {bundle.name}"), open_bundle(bundle) as opened:
        made = quantize_bundle(opened, Sample.read(sample, without=labels_column), asked)
        write(output, made.manifest, made.about, made.files, made.attachments)
    report(output, as_json=as_json)
