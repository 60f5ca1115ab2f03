"""A rollout on a terminal: who answers, what the evidence says, what comes next and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from modelport.cli.inert import inert
from modelport.cli.times import lasting
from modelport.core.plan import BASIS_POINTS
from modelport.core.rollout import Decided, Decision, Finding, Progress, Rollout

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH = 40
_VERDICTS = {"harm": "bold red", "holds": "green", "open": "yellow", "absent": "dim"}
_PHASES = {"promoted": "green", "ended": "green", "rolled_back": "red", "failed": "red", "paused": "yellow"}
_MILLISECONDS = frozenset({"latency_p95", "guard.latency"})


def status(seen: Progress, now: float) -> RenderableType:
    """Everything there is to see; `now` is in seconds since the epoch."""
    parts: list[RenderableType] = [_headline(seen.rollout, now), shares(seen)]
    if seen.findings:
        parts.append(evidence(seen.findings))
    parts.append(_next(seen))
    return Group(*parts)


def shares(seen: Progress) -> RenderableType:
    """Who gets how much, as bars; the candidate's with what it was asked so far."""
    table = Table.grid(padding=(0, 2))
    model = seen.rollout.spec.endpoint
    for version, weight in sorted(seen.shares.items()):
        bar = Text("█" * round(_WIDTH * weight / BASIS_POINTS)).append(
            "░" * (_WIDTH - round(_WIDTH * weight / BASIS_POINTS)), style="dim"
        )
        asked = _asked(seen) if version == seen.rollout.spec.candidate else ""
        table.add_row(escape(inert(f"{model}:{version}")), bar, f"{weight / 100:g} %", asked)
    return table


def evidence(findings: Iterable[Finding]) -> RenderableType:
    """What is limited, its estimate with its bounds, and what that shows."""
    table = Table("evidence", "estimate", "between", "limit", "samples", "shows")
    for column in table.columns[1:5]:
        column.justify = "right"
    for found in findings:
        table.add_row(
            found.name,
            quantity(found.name, found.estimate),
            _between(found),
            quantity(found.name, found.limit),
            f"{found.samples:,}",
            Text(found.verdict, style=_VERDICTS[found.verdict]),
        )
    return table


def history(decisions: Iterable[Decided], moment: Mapping[int, str]) -> RenderableType:
    """Every decision of a rollout, in order; `moment` is when each was, by number."""
    table = Table("when", "decided", "shares", "requests", "by", "why")
    table.columns[5].overflow = "fold"
    for each in decisions:
        table.add_row(
            moment[each.number],
            kind(each.decision),
            " ".join(f"{version}={weight / 100:g}%" for version, weight in sorted(each.shares.items())),
            f"{each.requests:,}",
            escape(inert(each.by)),
            escape(inert(each.decision.reason)),
        )
    return table


def kind(decision: Decision) -> str:
    """The word for a decision."""
    return type(decision).__name__.lower()


def quantity(name: str, value: float | None) -> str:
    """A value with the unit that its criterion is written in."""
    if value is None:
        return "-"
    if name in _MILLISECONDS:
        return f"{1000 * value:,.3g} ms"
    return f"{100 * value:.3g} %"


def _headline(rollout: Rollout, now: float) -> Text:
    spec = rollout.spec
    before = "nothing" if rollout.baseline is None else f"{spec.endpoint}:{rollout.baseline}"
    line = Text()
    line.append(inert(f"{before} → {spec.endpoint}:{spec.candidate}  "), style="bold")
    line.append(f"{spec.strategy}  ")
    line.append(rollout.phase.replace("_", " "), style=_PHASES.get(rollout.phase, "cyan"))
    if spec.steps and rollout.phase in {"preparing", "judging", "paused", "holding"}:
        line.append(f"  step {rollout.step + 1} of {len(spec.steps)}")
    line.append(f"  {lasting((rollout.ended or now) - rollout.began)}  ", style="dim")
    return line.append(rollout.id, style="dim")


def _asked(seen: Progress) -> str:
    said = f"{seen.requests:,} requests"
    if seen.rate:
        said += f", {seen.rate:,.3g} a second"
    return said + (f", {seen.labels:,} labels" if seen.labels else "")


def _between(found: Finding) -> str:
    if found.low is None and found.high is None:
        return "-"
    low = "0" if found.low is None else quantity(found.name, found.low)
    high = "…" if found.high is None else quantity(found.name, found.high)
    return f"{low} to {high}"


def _next(seen: Progress) -> Text:
    line = Text("next  " if seen.rollout.ended is None else "end   ", style="bold")
    return line.append(inert(said(seen) or "nothing is decided yet"), style="default")


def said(seen: Progress) -> str:
    """What is waited for, while it is under way; else what was decided last, and why."""
    if seen.last is None or (seen.rollout.ended is None and seen.rollout.reason):
        return seen.rollout.reason
    return f"{kind(seen.last.decision)}: {seen.last.decision.reason}"
