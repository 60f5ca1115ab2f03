"""The one way a call is carried out, as a generator of steps: sync and async transports only obey.

steps = exchange(call, terms)      yields Send and Sleep, is sent their outcomes,
                                   returns the answer or raises the typed error
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeVar

from modelport.client import problems
from modelport.client.calls import Call, Lost, Outcome, Reply, Send, Sleep, Step
from modelport.client.retry import Budget, Retries, back_off
from modelport.errors import DeadlineExceeded, ModelportError, Overloaded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what terms a call is made.

    Attributes:
        timeout: seconds for the whole call, waiting and retries included; None is no limit.
        clock: monotonic seconds.
        uniform: draws from [0, 1).
    """

    timeout: float | None
    retries: Retries
    budget: Budget
    clock: Callable[[], float]
    uniform: Callable[[], float]

    def within(self, deadline: float | None) -> Terms:
        """The same terms for a call with its own `deadline` in seconds; None keeps the standing one."""
        return self if deadline is None else replace(self, timeout=deadline)


def exchange(call: Call[T], terms: Terms) -> Generator[Step, Outcome, T]:
    """Send until answered, refused, out of budget or out of time."""
    deadline = None if terms.timeout is None else terms.clock() + terms.timeout
    terms.budget.earn()
    attempt = 0
    while True:
        attempt += 1
        outcome = yield _send(call, deadline, terms)
        if isinstance(outcome, Reply) and outcome.status < 400:
            return call.parse(outcome)
        wait = _wait_before_next(outcome, attempt, call, deadline, terms)
        if wait is None:
            raise _failure(outcome, terms.timeout)
        yield Sleep(wait)


def _send(call: Call[T], deadline: float | None, terms: Terms) -> Send:
    if deadline is None:
        return Send(call, {}, None)
    left = deadline - terms.clock()
    if left <= 0:
        raise _too_late(terms.timeout)
    return Send(call, {"request-timeout-ms": str(max(1, int(left * 1000)))}, left)


def _wait_before_next(
    outcome: Outcome, attempt: int, call: Call[T], deadline: float | None, terms: Terms
) -> float | None:
    """Seconds until the next attempt; None when there must not be one."""
    if not call.repeatable or attempt >= terms.retries.attempts or not _worth_repeating(outcome):
        return None
    asked = problems.retry_after(outcome) if isinstance(outcome, Reply) else None
    wait = back_off(terms.retries, attempt, asked, terms.uniform)
    if deadline is not None and terms.clock() + wait >= deadline:
        return None
    return wait if terms.budget.spend() else None


def _worth_repeating(outcome: Outcome) -> bool:
    """The server asked for it, or gave not one byte of an answer: a prediction changes nothing there."""
    match outcome:
        case Reply():
            # 409 with a time to come back: the first of two equal requests is still being carried out.
            return outcome.status in {429, 503} or (
                outcome.status == 409 and "retry-after" in outcome.headers
            )
        case Lost():
            return not outcome.begun
        case _:
            return False


def _failure(outcome: Outcome, timeout: float | None) -> ModelportError:
    match outcome:
        case Reply():
            return problems.error_from(outcome)
        case Lost():
            return Overloaded(
                f"the server cannot be reached: {outcome.reason}",
                code="unreachable",
                hint="check the address, and that the server is up (`modelport serve` or `up`)",
            )
        case _:
            return _too_late(timeout)


def _too_late(timeout: float | None) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"no answer within {timeout:g} s",
        hint="give the call a longer deadline, or send fewer items at once",
    )
