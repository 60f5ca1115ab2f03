"""A control plane that does what it is asked for and is killed: `python -m tests.control.crash URL FOLDER`.

It is asked for [step, action, version, now] (`tests.killed`), acknowledges the action, and goes one round.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tests import killed
from tests.control.shared import ANNA, Calls, Clock, means, service

from modelport.control.publisher import Copies
from modelport.control.reconciler import Reconciler
from modelport.control.service import Service
from modelport.control.wanted import Asked
from modelport.core.deployment import DeploymentSpec, ModelConfig, Terms
from modelport.core.plan import Scaling
from modelport.db.connect import Database
from modelport.storage.local import LocalStore

TERMS = Terms(min_requests=1_000_000)
"""Nothing but a person's word ends the rollout."""


def ask(to: Service, action: str, version: int) -> None:
    """Apply a file of two documents, which bring a version as a canary; or promote it."""
    if action == "promote":
        to.ask(ANNA, "churn", "promote")
        return
    config = ModelConfig(scaling=Scaling(1, 1 + version, auto_scale=True))
    canary = DeploymentSpec("churn", "canary", version, steps=(1000, 10_000), terms=TERMS)
    asked = [Asked("model_config", "churn", {}, config), Asked("deployment", "churn", {}, canary)]
    to.want(ANNA, asked)


def loop(database: Database, folder: Path, clock: Clock, holder: str) -> Reconciler:
    """A reconciler that keeps copies of its plans in the folder."""
    copies = Copies(database, LocalStore(folder))
    return Reconciler(database, means(), clock, holder=holder, copies=copies, published=Calls())


def carry_out(say: Callable[[str], object], action: str, version: int, now: float) -> None:
    database, clock = Database(sys.argv[1]), Clock(now)
    ask(service(database, clock), action, version)
    say(action)
    loop(database, Path(sys.argv[2]), clock, f"dying-{now}").step()


if __name__ == "__main__":
    Database(sys.argv[1]).close()  # imports its driver once, for all forks
    killed.serve(carry_out)
