"""A control plane that dies at a point: `python -m tests.control.crash URL POINT NOW`."""

from __future__ import annotations

import os
import signal
import sys

from tests.control.shared import ANNA, Clock, reconciler, service

from modelport.core import faults
from modelport.db.connect import Database


def die(point: str) -> None:
    if point == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    clock = Clock(float(sys.argv[3]))
    database = Database(sys.argv[1])
    faults.arm(die)
    service(database, clock).deploy(ANNA, "churn", "1")
    print("acknowledged", flush=True)
    reconciler(database, clock, "dying").step()
