"""What every call of one API shares."""

from __future__ import annotations

from dataclasses import dataclass

from modelport.api.boards import Boards
from modelport.api.counters import Counters
from modelport.api.ports import Platform
from modelport.api.refusals import Refusals
from modelport.api.settings import Settings
from modelport.api.threads import Threads
from modelport.api.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of one event loop."""

    platform: Platform
    settings: Settings
    boards: Boards
    counters: Counters
    refusals: Refusals
    throttle: Throttle
    threads: Threads
