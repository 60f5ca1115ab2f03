"""Ten thousand models in a registry, written past it, which would take minutes."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from modelport.control.evidence import Evidence
from modelport.control.store import deployments, rollouts
from modelport.control.store.deployments import Kept
from modelport.core.deployment import Deployment, DeploymentSpec
from modelport.core.manifest import Parameters
from modelport.core.rollout import Rollout
from modelport.db.connect import Database
from modelport.db.tables import artifacts, models, versions

MODELS = 10_000


def filled(database: Database, count: int = MODELS) -> None:
    """So many models of two versions each."""
    shared = {"project": "default", "created": 1.0, "created_by": "anna"}
    with database.writing() as connection:
        connection.execute(sa.insert(artifacts).values(digest="0" * 64, size=1, touched=1.0))
        known = [
            {
                **shared, "name": f"model-{number:05}", "description": f"The {number}th.", "policy": {},
                "tags": {"team": f"team-{number % 50}"}, "numbered": 2, "versions": 2, "latest": 2,
            }
            for number in range(count)
        ]  # fmt: skip
        connection.execute(sa.insert(models), known)
        rows = [
            {
                **shared, "model": f"model-{number:05}", "number": version, "label": None, "forced": False,
                "identity": f"{number * 2 + version:064x}", "artifact": "0" * 64, "size": 1,
                "task": "regression", "contract": "", "parameters": msgspec.to_builtins(Parameters()),
                "metrics": {"accuracy": number / MODELS}, "tags": {}, "lineage": {},
            }
            for number in range(count)
            for version in (1, 2)
        ]  # fmt: skip
        connection.execute(sa.insert(versions), rows)


def deployed(database: Database, count: int) -> None:
    """The first models answer with their first versions, as rollouts that are over left them."""
    with database.writing() as connection:
        for number in range(count):
            spec = DeploymentSpec(f"model-{number:05}", "direct", 1)
            rollout = Rollout(f"{number:026}", spec, 1, None, "ended", version=1, ended=1.0)
            rollouts.put(connection, "default", rollouts.Kept(rollout, Evidence()))
            kept = Deployment(spec.endpoint, spec, 1, live=1, rollout=rollout.id)
            deployments.put(connection, Kept(kept, active=False))
