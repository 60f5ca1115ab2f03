"""Plans and keys from a control plane, as a replica takes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from modelport.core.access import AccessSnapshot
from modelport.core.plan import Revision, ServingPlan, check
from modelport.errors import ModelportError
from modelport.serving.fleet.adopted import adopted
from modelport.serving.fleet.followed import Followed, Kind
from modelport.serving.fleet.kept import Kept
from modelport.serving.fleet.line import ControlLine
from modelport.serving.fleet.stock import Stock
from modelport.serving.log import note
from modelport.serving.replica.documents import parse
from modelport.serving.replica.rollout import State


def _plan(data: bytes) -> ServingPlan:
    return check(parse(data, ServingPlan, "plan"))


def _access(data: bytes) -> AccessSnapshot:
    return parse(data, AccessSnapshot, "access snapshot")


PLAN = Kind("plan", _plan, lambda plan: str(plan.revision), lambda new, old: new.revision > old.revision)
ACCESS = Kind(
    "access", _access, lambda keys: str(keys.revision), lambda new, old: new.revision != old.revision
)
"""Plans are ordered; of keys what the control plane says now holds: a restored one counts from before."""


class FleetPlans:
    """A `PlanSource` over a control plane. While it is away: the last good plan, else the one at `published`.

    Args:
        published: URL of the document that the control plane keeps in the artifact store.
    """

    def __init__(self, line: ControlLine, folder: Path, stock: Stock, published: str | None) -> None:
        self._published = published
        self._followed = Followed(PLAN, line, Kept(folder / "plan.json"), self._elsewhere)
        self._stock = stock
        self._published_as: dict[Revision, ServingPlan] = {}
        self._answered: Mapping[str, Revision] | None = None

    @property
    def refused(self) -> str:
        """Why the last plan was not taken; empty when it was."""
        return self._followed.refused

    async def plans(self) -> AsyncIterator[ServingPlan]:
        """The plan there is, then each newer one; waits as long as there is none."""
        async for plan in self._followed.documents():
            self._published_as[plan.revision] = plan
            yield self._stock.local(plan)

    def keep(self, state: State) -> None:
        """Have what the replica answers with now ready for its next start."""
        if self._answered == state.committed:
            return
        known = {at: plan for at, plan in self._published_as.items() if at in state.plans}
        if (good := adopted(state, known)) is not None:
            self._answered, self._published_as = state.committed, known
            self._followed.keep(good)

    def reload(self) -> None:
        """Ask again now."""
        self._followed.reload()

    async def _elsewhere(self) -> bytes | None:
        if self._published is None:
            return None
        try:
            return await asyncio.to_thread(_document, self._published)
        except (ModelportError, OSError) as error:
            note("published plan not read", logging.ERROR, reason=str(error))
            return None


class FleetAccess:
    """An `AccessSource` over a control plane. While it is away the last good keys hold."""

    def __init__(self, line: ControlLine, folder: Path) -> None:
        self._followed = Followed(ACCESS, line, Kept(folder / "access.json"))

    def snapshots(self) -> AsyncIterator[AccessSnapshot]:
        """The keys there are, then each other ones; waits as long as there are none."""
        return self._followed.documents()

    def keep(self, snapshot: AccessSnapshot) -> None:
        """Have the keys that are enforced now ready for the next start."""
        self._followed.keep(snapshot)

    def reload(self) -> None:
        """Ask again now."""
        self._followed.reload()


def _document(url: str) -> bytes | None:
    """The document at `<store>/plans/<fleet>/latest.json`."""
    from modelport.storage.urls import open_store

    store, found, rest = url.rpartition("/plans/")
    return open_store(store).read(f"plans/{rest}") if found else None
