"""What a rollout looks like on a terminal."""

from __future__ import annotations

import io

from msgspec.structs import replace
from rich.console import Console, RenderableType

from modelport.cli.rollout import show
from modelport.core.deployment import DeploymentSpec
from modelport.core.rollout import Decided, Finding, Progress, Promote, Rollout, Wait

SPEC = DeploymentSpec("churn", "canary", 2, steps=(500, 2500, 10_000))
ROLLOUT = Rollout("01M7", SPEC, 1, baseline=1, phase="judging", step=1, began=1000.0)
ERRORS = Finding("error_rate", "open", 0.003, 0.0009, 0.012, 0.01, samples=420, needed=80)
SLOW = Finding("latency_p95", "harm", 0.31, 0.24, None, 0.2, samples=420)
SEEN = Progress(
    ROLLOUT,
    {1: 7500, 2: 2500},
    (ERRORS, SLOW),
    requests=420,
    labels=12,
    rate=5.08,
    last=Decided(3, 1100.0, Wait("80 more requests at 5 a second, about 16 s")),
)


def printed(what: RenderableType) -> str:
    """What a terminal of 120 columns shows."""
    out = io.StringIO()
    Console(file=out, width=120).print(what)
    return out.getvalue()


def test_a_status_says_where_it_stands_who_answers_and_what_comes_next() -> None:
    text = printed(show.status(SEEN, now=1120.0))
    assert "churn:1 → churn:2  canary  judging  step 2 of 3  2 min" in text
    assert "75 %" in text
    assert "25 %" in text
    assert "420 requests, 5.08 a second, 12 labels" in text
    assert "next  wait: 80 more requests at 5 a second, about 16 s" in text


def test_what_is_waited_for_now_comes_before_what_was_decided_last() -> None:
    waiting = replace(SEEN, rollout=replace(ROLLOUT, reason="waiting for 80 more requests"))
    assert "next  waiting for 80 more requests" in printed(show.status(waiting, now=1120.0))


def test_evidence_has_the_unit_of_its_criterion_and_its_bounds() -> None:
    text = printed(show.evidence(SEEN.findings))
    assert "0.3 %" in text
    assert "0.09 % to 1.2 %" in text
    assert "310 ms" in text
    assert "240 ms to …" in text
    assert "harm" in text


def test_bars_are_as_long_as_shares_are_large() -> None:
    lines = printed(show.shares(SEEN)).splitlines()
    assert [line.count("█") for line in lines[:2]] == [30, 10]


def test_a_history_tells_each_decision_with_its_reason() -> None:
    decided = Decided(1, 1000.0, Promote(2, "every criterion holds"), {1: 0, 2: 10_000}, requests=900)
    text = printed(show.history([decided], {1: "12:00:00"}))
    assert "promote" in text
    assert "1=0% 2=100%" in text
    assert "every criterion holds" in text


def test_words_of_others_reach_no_terminal_raw() -> None:
    decided = Decided(1, 1000.0, Wait("\x1b]0;owned\x07 [red]loud[/red]"), by="\x1b[2J")
    text = printed(show.history([decided], {1: "now"}))
    assert "\x1b" not in text
    assert "[red]" in text
