"""The one path every prediction takes, whatever protocol brought it.

    http.app.pick -> codec decodes for that slot -> Engine.infer (admission)
        -> SlotCache, of a slot that has one -> Dispatcher (a Batcher) -> Predictor -> Call.answered

Authentication stands before the codec (`http.gate`): a stranger's body is never parsed. The table
was read once, by the router, so a swap never splits a request.
"""

from __future__ import annotations

from time import monotonic

from modelport.errors import DeadlineExceeded, ModelportError, Overloaded, TooLarge
from modelport.serving.call import NEVER, Call
from modelport.serving.evidence import Ending, of_error
from modelport.serving.overload.pressure import Pressure


class Engine:
    """Places calls and queues them. Owned by the event loop."""

    def __init__(self, *, rows: int, pressure: Pressure) -> None:
        self._rows = rows
        self._pressure = pressure

    def infer(self, call: Call) -> None:
        """Queue a call for its slot, or refuse it at once: `call.failed` has then been called."""
        try:
            call.queued = now = monotonic()
            self._admit(call, now)
            slot = call.slot
            if slot.cache is None or not slot.cache.answered(call):
                slot.admission.check(call, slot.dispatcher, now)
                slot.dispatcher.submit(call)
        except ModelportError as error:
            call.status = call.failed(error)
            call.slot.counters.failed(
                call, of_error(error) if isinstance(error, Overloaded) else Ending.NOTHING
            )

    def _admit(self, call: Call, now: float) -> None:
        """Cheap reasons to refuse, before anything is queued."""
        if call.rows > self._rows:
            msg = f"{call.rows} rows in one request, the limit is {self._rows}"
            raise TooLarge(msg, code="too-many-rows", hint="send several smaller requests")
        if call.deadline is not NEVER and now >= call.deadline:
            msg = "the deadline had passed when the request arrived"
            raise DeadlineExceeded(msg)
        if call.priority:
            self._pressure.check(call.priority)
