"""`modelport models`: what is registered, and how it is served."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.refs import parted

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.records import Gate, Version

_model = click.argument("model", metavar="MODEL", help="The model.")
_at_least = click.option("--at-least", multiple=True, help="Fewest of a metric, as accuracy=0.9; repeatable.")
_at_most = click.option("--at-most", multiple=True, help="Most of a metric, as latency_ms=20; repeatable.")


@click.group("models")
def group() -> None:
    """List models and versions, and say how they are served."""


@group.command("list")
@click.argument("text", default="", help="Only models with this in their name or description.")
@click.option("--tag", multiple=True, help="Only models with this tag, as team=risk; repeatable.")
@plane.connected
@options.as_json
def show(*, control: Control, text: str, tag: tuple[str, ...], as_json: bool) -> None:
    """List the models."""
    from modelport.cli.output import listing
    from modelport.cli.times import ago

    now = time.time()
    listing(
        control.models.list(text, tags=options.pairs(tag)),
        ("model", "versions", "created", "by", "description", "tags"),
        lambda each: (
            each.name,
            str(each.versions),
            ago(each.created, now),
            each.created_by,
            each.description,
            _tags(each.tags),
        ),
        as_json=as_json,
    )


@group.command("status")
@click.argument("model", metavar="MODEL", required=False, help="The model.")
@click.option("--model-id", help="The same as MODEL.")
@plane.connected
@options.as_json
def status(*, control: Control, model: str | None, model_id: str | None, as_json: bool) -> None:
    """Say how a model is served: state and why, versions and shares, replicas, last errors."""
    from modelport.cli.output import print_json

    name = model or model_id
    if name is None:
        msg = "MODEL, or --model-id, is missing."
        raise click.UsageError(msg)
    found = control.models.status(parted(name)[0])
    if as_json:
        print_json(found)
        return
    from rich.console import Console

    from modelport.cli.status import page

    Console().print(page(found, time.time()))


@group.command("versions")
@_model
@plane.connected
@options.as_json
def versions(*, control: Control, model: str, as_json: bool) -> None:
    """List the versions of a model, the newest first."""
    from modelport.cli.output import listing
    from modelport.cli.times import ago

    now = time.time()
    listing(
        control.versions.list(model),
        ("version", "label", "task", "size", "metrics", "created", "by", "identity"),
        lambda each: (
            each.id,
            each.label or "-",
            each.task,
            f"{each.size:,}",
            _metrics(each),
            ago(each.created, now),
            each.created_by,
            f"{each.identity[:12]}…",
        ),
        as_json=as_json,
    )


@group.command("change")
@click.argument("target", metavar="TARGET", help="A model, or a version of it as churn:2.")
@click.option("--description", help="For people. Of a model.")
@click.option("--tag", multiple=True, help="All its tags from now on, as team=risk; repeatable.")
@click.option("--metric", multiple=True, help="All its metrics from now on, as accuracy=0.93; of a version.")
@click.option("--version", "label", help="A label for people, as 2.1.0. Of a version.")
@plane.connected
def change(
    *,
    control: Control,
    target: str,
    description: str | None,
    tag: tuple[str, ...],
    metric: tuple[str, ...],
    label: str | None,
) -> None:
    """Change what is said about a model or a version. What it is never changes."""
    model, version = parted(target)
    tags = options.pairs(tag) if tag else None
    if version is None:
        if metric or label:
            msg = "Metrics and labels belong to a version."
            raise click.UsageError(msg)
        control.models.change(model, description=description, tags=tags)
    else:
        if description is not None:
            msg = "A description belongs to a model."
            raise click.UsageError(msg)
        metrics = options.numbers(metric) if metric else None
        control.versions.change(model, version, label=label, tags=tags, metrics=metrics)
    click.echo(f"{target} is changed")


@group.command("gate")
@click.argument("alias", metavar="ALIAS", help="As churn@champion.")
@_at_least
@_at_most
@click.option("--tag", multiple=True, help="A tag that must be there, as reviewed=yes; repeatable.")
@plane.connected
def gate(
    *,
    control: Control,
    alias: str,
    at_least: tuple[str, ...],
    at_most: tuple[str, ...],
    tag: tuple[str, ...],
) -> None:
    """Say what a version must have before an alias may point at it; without options nothing."""
    from modelport.core.records import Gate

    model, name = parted(alias)
    if name is None:
        msg = f"{alias!r} names no alias: write {model}@champion."
        raise click.UsageError(msg)
    wanted = Gate(options.numbers(at_least), options.numbers(at_most), options.pairs(tag))
    policy: dict[str, Gate] = {**control.models.get(model).policy, name: wanted}
    control.models.change(model, policy=policy)
    click.echo(f"{model}@{name} demands: {_demands(wanted)}")


@group.command("delete")
@click.argument("target", metavar="TARGET", help="A model with all its versions, or a version as churn:2.")
@plane.connected
def delete(*, control: Control, target: str) -> None:
    """Delete a model or a version that nothing is deployed of and no alias names."""
    model, version = parted(target)
    if version is None:
        control.models.delete(model)
    else:
        control.versions.delete(model, version)
    click.echo(f"{target} is gone")


@group.command("download")
@click.argument("version", metavar="VERSION", help="As churn:2, or churn@champion.")
@click.option("--output", type=options.path, help="Where to write it; default: MODEL-VERSION.zip.")
@plane.connected
def download(*, control: Control, version: str, output: Path | None) -> None:
    """Fetch the bundle of a version, whole and verified."""
    from modelport.cli.refs import named

    model, ref = named(version)
    target = output or Path(f"{model}-{control.versions.get(model, ref).number}.zip")
    click.echo(str(control.versions.download(model, ref, target)))


@group.command("garbage")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@plane.connected
@options.as_json
def garbage(*, control: Control, dry_run: bool, as_json: bool) -> None:
    """Delete stored bundles that no version, deployment, rollout or plan needs."""
    from modelport.cli.output import print_json

    found = control.models.collect_garbage(dry_run=dry_run)
    if as_json:
        print_json(found)
        return
    done = "would go" if dry_run else "are gone"
    click.echo(f"{len(found.artifacts)} bundles, {found.bytes:,} bytes, {done}")


def _tags(tags: object) -> str:
    assert isinstance(tags, dict)
    return " ".join(f"{key}={value}" for key, value in sorted(tags.items()))


def _metrics(version: Version) -> str:
    return " ".join(f"{name}={value:.4g}" for name, value in sorted(version.metrics.items()))


def _demands(gate: Gate) -> str:
    parts = [f"{name} ≥ {value:g}" for name, value in gate.at_least.items()]
    parts += [f"{name} ≤ {value:g}" for name, value in gate.at_most.items()]
    parts += [f"tag {key}={value}" for key, value in gate.tags.items()]
    return ", ".join(parts) or "nothing"
