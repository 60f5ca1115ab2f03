"""What a pass reads besides its own deployment: the other deployments of the project, and its fleets."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy.engine import Connection

from modelport.control import sight
from modelport.control.store import deployments, fleets, plans, replicas, rollouts
from modelport.core.deployment import Deployment
from modelport.core.evidence import NONE, Outcomes
from modelport.core.fleet import PlanStatus
from modelport.core.plan import ServingPlan
from modelport.core.rollout import Rollout


class World(msgspec.Struct, frozen=True):
    """A project as a pass finds it.

    Attributes:
        fleets: by name.
        reports: of all live replicas.
        newest: the plan there is.
    """

    project: str
    fleets: list[str]
    reports: list[PlanStatus]
    newest: ServingPlan | None


def world(connection: Connection, project: str, now: float) -> World:
    """The project as it is."""
    names = fleets.of_project(connection, project)
    lives = [life for name in names for life in replicas.newest(connection, name)]
    reports = sight.live([(life.status, life.seen) for life in lives], now)
    newest = [plan for name in names if (plan := plans.newest(connection, name)) is not None]
    return World(project, names, reports, max(newest, key=lambda plan: plan.revision, default=None))


def sums(connection: Connection, fleets: Iterable[str], slots: Iterable[str]) -> dict[str, Outcomes]:
    """What all fleets counted at some slots, together."""
    found: dict[str, Outcomes] = {}
    wanted = tuple(slots)
    for fleet in fleets:
        for slot, outcomes in replicas.tally(connection, fleet, wanted).items():
            found[slot] = found.get(slot, NONE).plus(outcomes)
    return found


def wanted(connection: Connection, project: str) -> tuple[list[Deployment], dict[str, Rollout]]:
    """Every deployment of a project, and their last rollouts by endpoint."""
    every = [kept.deployment for kept in deployments.every(connection, project)]
    known = rollouts.some(connection, [each.rollout for each in every if each.rollout])
    return every, {each.endpoint: known[each.rollout] for each in every if each.rollout in known}
