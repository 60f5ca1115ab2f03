"""How the calls of one slot end: answered, failed, too late or unwanted; counted, and told to telemetry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic, time_ns
from typing import Protocol

from modelport.errors import DeadlineExceeded, ModelFailed, ModelportError
from modelport.serving import shared
from modelport.serving.call import Call
from modelport.serving.counters import Counters
from modelport.serving.evidence import Ending, of_error
from modelport.serving.execution.run import Outcome, failure
from modelport.serving.log import trouble
from modelport.serving.results import Results, nonfinite_rows
from modelport.serving.troubles import Troubles

_WELL = Ending.WELL  # looked up once: this is the way of every request


class Witness(Protocol):
    """Who is told how every call fared (telemetry); `now` is monotonic."""

    def starting(self, calls: Sequence[Call]) -> None:
        """A batch of these calls is about to run."""
        ...

    def executed(self, outcomes: list[Outcome], now: float) -> None:
        """A batch ran."""
        ...

    def dropped(self, call: Call, now: float) -> None:
        """A call left the queue without being run: too late, or nobody waits for it."""
        ...


class Replies:
    """Every dispatcher of the slot `name` ends its calls here, on the event loop.

    `timeout` is in seconds, for calls without a deadline of their own; `troubles` remembers the last faults.
    """

    __slots__ = ("_counters", "_name", "_timeout", "_troubles", "_witness")

    def __init__(
        self,
        name: str,
        counters: Counters,
        witness: Witness,
        *,
        timeout: float,
        troubles: Troubles | None = None,
    ) -> None:
        self._troubles = troubles
        self._name = name
        self._counters = counters
        self._witness = witness
        self._timeout = timeout

    def late(self, call: Call, now: float) -> bool:
        """Whether an answer would come too late."""
        return now >= call.deadline or now - call.received >= self._timeout

    def starting(self, calls: Sequence[Call]) -> None:
        """A batch of these calls is about to run."""
        self._witness.starting(calls)

    def executed(self, outcomes: list[Outcome], sizes: Sequence[int], started: float, ended: float) -> None:
        """Batches of these sizes ran from `started` to `ended` (monotonic): answer the calls they ended."""
        decoding = waiting = 0.0
        for outcome in outcomes:
            queued = outcome.call.queued
            decoding += queued - outcome.call.received
            waiting += started - queued
        for rows in sizes:
            self._counters.executed(rows, decoding, waiting, (ended - started) / len(sizes))
            decoding = waiting = 0.0
        self.ended(outcomes, ended)

    def ended(self, outcomes: list[Outcome], ended: float) -> None:
        """Answer calls that were run up to `ended` (monotonic)."""
        seen = None
        broken = False
        for outcome in outcomes:
            if outcome.results is not None and outcome.results is not seen:
                seen = outcome.results
                if bad := nonfinite_rows(seen.batch):
                    self._counters.add(shared.NONFINITE, bad)
                    broken = True
            self._reply(outcome)
        now = monotonic()
        for outcome in outcomes:
            if not outcome.call.cancelled:
                call = outcome.call
                results = outcome.results
                well = call.status == 200 and not broken and results is not None and not results.errors
                ending = _WELL if well else self._blamed(outcome)
                self._counters.answered(call, now - call.received, ending)
        self._counters.add(shared.OUTPUT_NS, int((now - ended) * 1e9))
        self._counters.gauge(shared.LAST_MS, time_ns() // 1_000_000)
        if outcomes:
            self._witness.executed(outcomes, now)

    def refused(self, call: Call, error: ModelportError) -> None:
        """A call ends before it is run, because of what is in it."""
        self._fail(call, error)
        self._witness.dropped(call, monotonic())

    def expire(self, calls: Iterable[Call], now: float) -> None:
        """Answer 504 to those of the calls whose deadline or time-out has passed by `now` (monotonic)."""
        for call in calls:
            if self.late(call, now):
                self.expired(call)

    def expired(self, call: Call) -> None:
        """Answer 504 to a call that waits or runs, unless it has its answer. What runs goes on unheard."""
        if call.status or call.cancelled:
            return
        self._counters.add(shared.EXPIRED)
        self._fail(call, DeadlineExceeded("the deadline passed before an answer was ready"))
        call.cancelled = True

    def dropped(self, call: Call, now: float) -> None:
        """A call leaves the queue without being run: its caller has gone, or it is too late."""
        if call.cancelled:
            self._gone(call)
        else:
            self._counters.add(shared.EXPIRED)
            self._fail(call, DeadlineExceeded("the deadline passed while the request was waiting"))
        self._witness.dropped(call, now)

    def _reply(self, outcome: Outcome) -> None:
        call = outcome.call
        if call.cancelled:
            self._gone(call)
        elif outcome.results is None:
            call.status = call.failed(outcome.error or ModelFailed("the model gave no answer"))
        else:
            self._answer(call, outcome.results, outcome.start)

    def _answer(self, call: Call, results: Results, start: int) -> None:
        try:
            call.status = call.answered(results, start)
        except Exception as error:  # noqa: BLE001 - a codec that cannot say it must not end the batch
            trouble("answer not encoded", error, slot=self._name)
            call.status = call.failed(failure(error))

    def _gone(self, call: Call) -> None:
        """Nobody waits for this call any more: its caller left, or it was answered 504 before."""
        if not call.status:
            call.status = 499
            self._counters.add(shared.CANCELLED)
            self._counters.refused(call.protocol, 499)

    def _fail(self, call: Call, error: ModelportError) -> None:
        call.status = call.failed(error)
        ending = of_error(error)
        if ending:
            self._remember(error.message)
        self._counters.answered(call, monotonic() - call.received, ending)

    def _blamed(self, outcome: Outcome) -> Ending:
        ending = _ending(outcome)
        if ending > Ending.WELL:
            self._remember(outcome.error.message if outcome.error else "an answer was not finite, or failed")
        return ending

    def _remember(self, message: str) -> None:
        if self._troubles is not None:
            self._troubles.add(self._name, message)


def _ending(outcome: Outcome) -> Ending:
    """What a call says of the model that was run, looked at closely."""
    call, results = outcome.call, outcome.results
    if results is None:
        return of_error(outcome.error or ModelFailed(""))
    if call.status != 200:
        return Ending.FAULT if call.status >= 500 else Ending.NOTHING
    own = range(outcome.start, outcome.start + call.rows)
    worst = max((of_error(error) for row, error in results.errors.items() if row in own), default=Ending.WELL)
    return Ending.BROKEN if nonfinite_rows(results.batch, own) else max(worst, Ending.WELL)
