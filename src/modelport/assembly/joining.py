"""The loop that joins truths with their predictions: soon after either comes, and again and again after."""

from __future__ import annotations

import logging

from modelport.control.feedback.joiner import Joiner
from modelport.control.loop import Loop
from modelport.errors import ModelportError

LOOK_SECONDS = 2.0
_log = logging.getLogger("modelport.control")


class Joining(Loop):
    """Looks in a thread of its own, from `start` to `stop`; sooner when truths came (`wake`)."""

    def __init__(self, joiner: Joiner) -> None:
        super().__init__("feedback", self._look, tick=LOOK_SECONDS)
        self._joiner = joiner

    def _look(self) -> None:
        try:
            joined = self._joiner.look()
        except ModelportError as error:
            told = {"code": error.code, "reason": error.message}
            _log.warning("feedback not joined", extra={"fields": told})
        except Exception as error:  # noqa: BLE001 - a loop that ends is feedback that never counts
            _log.error("feedback not joined", exc_info=error)
        else:
            if joined:
                _log.info("feedback joined", extra={"fields": {"truths": joined}})
