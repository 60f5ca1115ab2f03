"""A whole platform under load: shifted by hand, decided by evidence, and rid of what is bad in time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.acceptance.models import dummy
from tests.platforms import Folder, eventually, up
from tests.slow.load import Load, load

from modelport import Control
from modelport.core.plan import Revision, ServingPlan
from modelport.db.connect import Database
from modelport.db.tables import plans

pytestmark = pytest.mark.slow
CANARY = (Path(__file__).parents[2] / "examples" / "canary.json").read_text()
QUICK = """
deployment:
  strategy: canary
  steps: [20, 50, 100]
  promotion_criteria: {error_rate: "< 1%", performance_degradation: "< 50%"}
  min_requests: 200
  min_duration: 2s
"""
POISON = 13.0


def plain(_: int) -> list[float]:
    return [1.0, 2.0]


def poisoned(number: int) -> list[float]:
    """Every fifth at random, the same ones each time."""
    return [POISON, 2.0] if random.Random(number).random() < 0.2 else [1.0, 2.0]


@contextmanager
def serving(path: Path, *versions: dict[str, Any]) -> Iterator[tuple[Folder, Control]]:
    """A platform that has these versions of `churn`, and answers with the first."""
    with up(path) as folder:
        for number, options in enumerate(versions, 1):
            folder.run("register", dummy(path / f"{number}.bundle", "churn", **options))
        folder.run("deploy", "churn:1")
        control = Control(folder.control, key=(path / ".modelport" / "key").read_text())
        with control:
            yield folder, control


class Plans:
    """Every plan that was published, with its time: the database keeps the last hundred."""

    def __init__(self, path: Path) -> None:
        self._url = f"sqlite:///{path / '.modelport' / 'modelport.db'}"
        self.by_revision: dict[Revision, tuple[float, ServingPlan]] = {}

    def collect(self) -> None:
        with closing(Database(self._url)) as database, database.reading() as connection:
            for row in connection.execute(sa.select(plans)):
                plan = msgspec.json.decode(row.document, type=ServingPlan)
                self.by_revision[plan.revision] = (row.at, plan)

    def check(self, seen: Load) -> None:
        """Every answer names one version, and one plan that gave that version a share; and that plan was out
        when the request was answered, and not replaced for long when it was sent."""
        ends = self._ends()
        for each in seen.seen:
            at, plan = self.by_revision[each.revision]
            shares = next(one for one in plan.endpoints if one.name == "churn").route.shares
            assert len(each.versions) == len(each.revisions) == 1
            assert each.version in {int(share.slot.split(":")[1].split("~")[0]) for share in shares}
            assert at <= each.done
            assert each.sent <= ends[each.revision] + 10

    def _ends(self) -> dict[Revision, float]:
        ordered = sorted(self.by_revision)
        begins = [self.by_revision[each][0] for each in ordered]
        return dict(zip(ordered, [*begins[1:], float("inf")], strict=True))


def answers(seen: Load, version: int) -> None:
    """Wait until this version alone answers what is asked now."""
    eventually(lambda: set(seen.versions(time.time() - 0.2)) == {version})


def phase(control: Control, *wanted: str) -> None:
    eventually(lambda: control.rollouts.get("churn").rollout.phase in wanted)


def test_sixty_shifts_by_hand_and_three_by_evidence_fail_no_request(tmp_path: Path) -> None:
    slow = {"delay_ms": 30.0, "factor": 4.0}
    models: list[dict[str, Any]] = [{"factor": 1.0, "delay_ms": 2.0}, {"factor": 2.0, "delay_ms": 2.0}]
    models += [{"factor": 3.0, "delay_ms": 2.0}, slow]
    known = Plans(tmp_path)
    with serving(tmp_path, *models) as (folder, control), load(folder.url, "churn", 200, plain) as seen:
        answers(seen, 1)
        began, shifts = time.monotonic(), 0
        for _ in range(12):
            shifts += five_shifts(control, seen)
            known.collect()
        by_hand = time.monotonic() - began
        for version, ending in ((2, "promoted"), (3, "promoted"), (4, "rolled_back")):
            control.deployments.apply(QUICK, model="churn", version=version)
            phase(control, ending)
            answers(seen, min(version, 3))
            known.collect()
        seen.stop()
    known.collect()
    sent, spread = len(seen.seen), seen.seen[-1].sent - seen.seen[0].sent
    print(f"\n{shifts} shifts in {by_hand:.0f} s, {len(known.by_revision)} plans, {sent} requests,")
    print(f"{sent / spread:.0f} a second, answered by {seen.versions()}; failed: {seen.failed}")
    assert not seen.failed
    known.check(seen)


def five_shifts(control: Control, seen: Load) -> int:
    control.deployments.activate("churn", 2)
    answers(seen, 2)
    control.rollouts.rollback("churn")
    answers(seen, 1)
    control.deployments.apply(CANARY, json=True, model="churn", version=2)
    eventually(lambda: 2 in seen.versions(time.time() - 0.2))
    control.rollouts.promote("churn")
    answers(seen, 2)
    control.rollouts.rollback("churn")
    answers(seen, 1)
    return 5


BAD: dict[str, dict[str, Any]] = {
    "a fifth fails": {"poison": POISON, "delay_ms": 4.0},
    "five times as slow": {"delay_ms": 20.0},
    "no number at all": {"nonfinite": 2.0, "delay_ms": 4.0},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_canary_is_gone_within_ten_seconds(bad: dict[str, Any], tmp_path: Path) -> None:
    """At 50 requests a second, of which a tenth are the canary's, with the document of the guide."""
    good = {"delay_ms": 4.0, "factor": 2.0}
    with serving(tmp_path, good, bad) as (folder, control), load(folder.url, "churn", 50, poisoned) as seen:
        answers(seen, 1)
        control.deployments.apply(CANARY, json=True, model="churn", version=2)
        phase(control, "rolled_back")
        time.sleep(2.0)
        seen.stop()
        found = control.rollouts.get("churn")
    met = [each for each in seen.seen if each.version == 2 or each.status != 200]
    lasted = met[-1].done - met[0].sent
    print(f"\ngone after {lasted:.1f} s and {len(met)} requests, failed: {seen.failed}")
    print(found.rollout.reason)
    assert lasted < 10
