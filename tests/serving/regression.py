"""The simplest model there is, one number to one number, and a witness of its calls."""

from __future__ import annotations

from collections.abc import Sequence

from modelport.core.manifest import FORMAT, Manifest, Parameters
from modelport.core.signature import Field, Signature
from modelport.serving.call import Call
from modelport.serving.execution.run import Outcome

SIGNATURE = Signature("vector", (Field("input", "FP64", (-1, 1)),), (Field("value", "FP64", (-1,)),))


def manifest() -> Manifest:
    return Manifest(FORMAT, "dummy", "regression", SIGNATURE, None, (), Parameters(), ())


class Notes:
    """Keeps how every call ended."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def starting(self, calls: Sequence[Call]) -> None:
        """Nothing is noted before the end."""

    def executed(self, outcomes: list[Outcome], now: float) -> None:
        self.statuses += [outcome.call.status for outcome in outcomes]

    def dropped(self, call: Call, now: float) -> None:
        self.statuses.append(call.status)
