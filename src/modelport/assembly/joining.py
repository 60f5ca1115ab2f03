"""The loop that joins truths with their predictions: soon after either comes, and again and again after."""

from __future__ import annotations

import logging
import threading

from modelport.control.feedback.joiner import Joiner
from modelport.errors import ModelportError

LOOK_SECONDS = 2.0
_log = logging.getLogger("modelport.control")


class Joining:
    """Looks in a thread of its own, from `start` to `stop`."""

    def __init__(self, joiner: Joiner) -> None:
        self._joiner = joiner
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feedback")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look soon: truths came."""
        self._woken.set()

    def stop(self) -> None:
        """End after the look under way."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            if not self._stopped.is_set():
                self._look()

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
