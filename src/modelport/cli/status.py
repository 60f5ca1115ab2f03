"""How a model is served, on a terminal: what an operator needs at three in the morning."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from modelport.cli.inert import inert
from modelport.cli.rollout import show
from modelport.cli.times import ago, moment
from modelport.core.fleet import Trouble
from modelport.core.sights import ModelStatus, ReplicaSeen, VersionSeen

_COLOURS = {
    "serving": "green",
    "failed": "bold red",
    "degraded": "red",
    "rolling-out": "cyan",
    "starting": "cyan",
}


def page(status: ModelStatus, now: float) -> RenderableType:
    """State and why, versions and shares, the rollout, replicas, last errors; `now` is since the epoch."""
    parts: list[RenderableType] = [_headline(status)]
    if status.versions:
        parts.append(_versions(status.model, status.versions))
    if status.rollout is not None and status.rollout.rollout.ended is None:
        parts.append(show.status(status.rollout, now))
    if status.replicas:
        parts.append(_replicas(status.replicas, now))
    if status.troubles:
        parts.append(_troubles(status.troubles))
    return Group(*parts)


def _headline(status: ModelStatus) -> Text:
    line = Text(inert(status.model), style="bold").append("  ")
    line.append(status.state.replace("-", " "), style=_COLOURS.get(status.state, "default"))
    return line.append(inert(f"  {status.reason}" if status.reason else ""), style="default")


def _versions(model: str, versions: Iterable[VersionSeen]) -> Table:
    table = Table("version", "label", "share", "state", "ready in", "instances", "why")
    table.columns[6].overflow = "fold"
    for each in versions:
        limit = f" (limited by: {each.limited_by})" if each.limited_by else ""
        table.add_row(
            escape(inert(f"{model}:{each.version}")),
            escape(inert(each.label or "-")),
            f"{each.share / 100:g} %",
            each.state,
            f"{each.ready} of {each.replicas}",
            f"{each.instances}{limit}",
            escape(inert(each.reason)),
        )
    return table


def _replicas(replicas: Iterable[ReplicaSeen], now: float) -> Table:
    table = Table("replica", "address", "workers", "takes traffic", "last report", "plan")
    for each in replicas:
        behind = "" if each.revision == each.wanted else f" (wanted: {each.wanted})"
        table.add_row(
            escape(inert(each.name)),
            escape(inert(each.url)),
            str(each.workers),
            "yes" if each.ready and each.alive else "no",
            ago(each.seen, now),
            escape(inert(f"{each.revision or '-'}{behind}{each.refused and f': {each.refused}'}")),
        )
    return table


def _troubles(troubles: Iterable[Trouble]) -> Table:
    table = Table("when", "where", "last errors")
    table.columns[2].overflow = "fold"
    for each in troubles:
        table.add_row(moment(each.at), escape(inert(each.subject)), escape(inert(each.message)))
    return table
