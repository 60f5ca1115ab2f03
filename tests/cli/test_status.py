"""How a model is served, on a terminal; and changes as lines of a diff."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from modelport.cli.changes import print_changes
from modelport.cli.status import page
from modelport.core.fleet import Trouble
from modelport.core.plan import Revision
from modelport.core.sights import Change, ModelStatus, ReplicaSeen, VersionSeen

REPLICA = ReplicaSeen(
    "local", "one", "http://127.0.0.1:8000", 2, True, True, 100.0, Revision(1, 4), Revision(1, 5)
)
STATUS = ModelStatus(
    "churn",
    "degraded",
    "churn:2 is not ready in one of 2 replicas",
    live=1,
    versions=(
        VersionSeen(1, "1.0.0", 9000, "ready", "", 2, 2, 4, "cores"),
        VersionSeen(2, None, 1000, "failed", "digest-mismatch", 1, 2),
    ),
    replicas=(REPLICA,),
    troubles=(Trouble(50.0, "churn:2", "the model failed \x1b[2J"),),
)


def printed() -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(page(STATUS, now=103.0))
    return out.getvalue()


def test_a_status_says_state_and_reason_first() -> None:
    assert printed().splitlines()[0].startswith("churn  degraded  churn:2 is not ready in one of 2 replicas")


@pytest.mark.parametrize(
    "said",
    [
        "90 %",
        "1 of 2",
        "4 (limited by: cores)",
        "digest-mismatch",
        "1-4 (wanted: 1-5)",
        "3 s ago",
        "the model failed",
    ],
)
def test_a_status_shows_what_an_operator_needs(said: str) -> None:
    assert said in printed()


def test_what_a_model_wrote_reaches_no_terminal_raw() -> None:
    assert "\x1b" not in printed()


def test_changes_read_like_a_diff(capsys: pytest.CaptureFixture[str]) -> None:
    print_changes(
        [
            Change("deployment/churn", "created", None, {"strategy": "canary"}),
            Change("deployment/churn.steps", "changed", [10], [5, 25]),
            Change("model_config/churn", "removed", {"name": "churn"}),
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        '+ deployment/churn  {"strategy":"canary"}',
        "~ deployment/churn.steps  [10] → [5,25]",
        '- model_config/churn  {"name":"churn"}',
    ]
