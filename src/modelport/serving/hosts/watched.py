"""A predictor whose every batch is seen from outside: since when it runs, and what it raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, monotonic_ns

from modelport.errors import ModelFailed, ModelportError
from modelport.runtimes.base import Predictor, Staged
from modelport.runtimes.batch import Array, Batch
from modelport.serving.log import trouble

_QUIET = 1.0
"""Seconds between two exceptions of a model that are logged with their traceback."""


class Watch:
    """Runs a model's own code.

    Args:
        slot: for the log.
        busy: told since when a batch runs, in monotonic nanoseconds; 0 when it has ended.
    """

    def __init__(self, slot: str, busy: Callable[[int], None]) -> None:
        self._slot = slot
        self._busy = busy
        self._told = 0.0

    @contextmanager
    def batch(self) -> Iterator[None]:
        """What runs in here is the model's; `SystemExit` is a failure like any other."""
        self._busy(monotonic_ns())
        try:
            yield
        except (SystemExit, KeyboardInterrupt) as error:
            msg = f"the model tried to end its process ({type(error).__name__})"
            raise ModelFailed(msg, hint="a model answers or raises; see the server's log") from error
        except Exception as error:
            self._tell(error)
            raise
        finally:
            self._busy(0)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, ModelportError) and error.__cause__ is None:
            return  # it says itself what happened
        if monotonic() - self._told >= _QUIET:
            self._told = monotonic()
            trouble("model failed", error, slot=self._slot)


class Watched:
    """A `Predictor` under watch."""

    def __init__(self, predictor: Predictor, watch: Watch) -> None:
        self._predictor = predictor
        self._watch = watch

    def predict(self, batch: Batch) -> Batch:
        """As the predictor's own."""
        with self._watch.batch():
            return self._predictor.predict(batch)


class WatchedStages(Watched):
    """A `Staged` predictor under watch."""

    def __init__(self, predictor: Staged, watch: Watch) -> None:
        self._staged = predictor
        self._watch = watch

    def prepare(self, batch: Batch) -> Batch:
        """As the predictor's own; not watched, since several may run at a time."""
        return self._staged.prepare(batch)

    def lengths(self, prepared: Batch) -> Array:
        """As the predictor's own."""
        return self._staged.lengths(prepared)

    def compute(self, prepared: Batch) -> Batch:
        """As the predictor's own."""
        with self._watch.batch():
            return self._staged.compute(prepared)

    def predict(self, batch: Batch) -> Batch:
        """As the predictor's own."""
        return self.compute(self.prepare(batch))


def watched(predictor: Predictor, watch: Watch) -> Predictor:
    """The same predictor, under watch."""
    if isinstance(predictor, Staged):
        return WatchedStages(predictor, watch)
    return Watched(predictor, watch)
