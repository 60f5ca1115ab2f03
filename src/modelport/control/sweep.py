"""A look at deployments where nothing is under way: how they are, and whether the plan still names them."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from modelport.control import conditions, publisher, transitions
from modelport.control.store import deployments, fleets
from modelport.control.store.world import World, wanted, world
from modelport.db import lease
from modelport.db.lease import Lease


def sweep(connection: Connection, held: Lease, now: float) -> set[str]:
    """Write conditions that changed; answer with the projects whose plan names other endpoints than are
    wanted, or is of an older epoch. Raises `Overloaded` (`not-leader`).
    """
    lease.check(connection, held)
    epoch = publisher.epoch(connection)
    stale: set[str] = set()
    for project in sorted({project for _, project in fleets.every(connection)}):
        around = world(connection, project, now)
        _look(connection, around, now)
        if _stale(connection, around, epoch):
            stale.add(project)
    return stale


def _look(connection: Connection, around: World, now: float) -> None:
    _, last = wanted(connection, around.project)
    for kept in deployments.every(connection, around.project):
        if kept.active:
            continue
        known = kept.deployment
        told = conditions.told(known, last.get(known.endpoint), around.reports, now)
        if told != known.conditions:
            deployments.put(connection, replace(kept, deployment=replace(known, conditions=told)))


def _stale(connection: Connection, around: World, epoch: int) -> bool:
    served = {each.name for each in around.newest.endpoints} if around.newest else set()
    every, last = wanted(connection, around.project)
    if served != {each.endpoint for each in every if transitions.routed(each, last.get(each.endpoint))}:
        return True
    return around.newest is not None and around.newest.revision.epoch != epoch
