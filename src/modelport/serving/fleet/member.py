"""A replica's membership in a fleet: what it takes from the control plane and what it tells it, joined."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

from modelport.core.fleet import Heard
from modelport.serving.checks import is_loopback
from modelport.serving.fleet.follow import FleetAccess, FleetPlans
from modelport.serving.fleet.kept import Kept
from modelport.serving.fleet.line import ControlLine
from modelport.serving.fleet.reports import Reporter
from modelport.serving.fleet.shelf import Fetch, Shelf
from modelport.serving.fleet.shipping import Shipper
from modelport.serving.fleet.stock import Stock
from modelport.serving.replica.conductor import Conductor
from modelport.serving.settings import Settings
from modelport.serving.shared import Segment


class Member:
    """One replica of a fleet. Its settings name a control plane.

    Attributes:
        plans, access: where the supervisor takes plans and keys from; no keys where none are enforced.
    """

    def __init__(self, settings: Settings, fetch: Fetch) -> None:
        assert settings.control is not None
        self._settings = settings
        self._name = settings.replica or _machine()
        self._line = ControlLine(
            settings.control,
            fleet=settings.fleet,
            replica=self._name,
            key=settings.control_key,
            authorities=settings.control_ca,
        )
        state = Path(settings.state)
        spool = Path(settings.spool).absolute() if settings.spool else None
        self._spool = str(spool) if spool and self._near else ""
        own = state / settings.fleet / self._name
        self._shipper = None
        if spool and not self._near:
            self._shipper = Shipper(self._line, spool, Kept(own / "shipped.json"))
        self._stock = Stock(Shelf(state / "bundles", fetch, settings.bundle_bytes))
        self.plans = FleetPlans(self._line, own, self._stock, settings.plan_url)
        self.access = FleetAccess(self._line, own) if settings.fleet_keys else None

    def join(self, conductor: Conductor) -> None:
        """Before anything is taken: bundles that are not here are waited for, and what works is kept."""
        self._stock.changed = conductor.absent.missing
        conductor.adopted = self.plans.keep
        if self.access is not None:
            conductor.allowed = self.access.keep

    async def report(self, conductor: Conductor, segment: Segment, url: str) -> None:
        """Tell the control plane how this replica fares, for ever."""
        reporter = Reporter(
            self._line,
            conductor,
            segment,
            replica=self._name,
            url=url,
            spool=self._spool,
            refused=lambda: self.plans.refused,
            heard=lambda heard: self._nudge(heard, conductor),
        )
        work = [reporter.run(), *([self._shipper.run()] if self._shipper else [])]
        await asyncio.gather(*work)

    @property
    def _near(self) -> bool:
        """Whether the control plane is on this machine."""
        return is_loopback(urlsplit(self._settings.control or "").hostname or "")

    def _nudge(self, heard: Heard, conductor: Conductor) -> None:
        """There may be something newer than what the polls have brought: ask again now."""
        wanted = conductor.state.wanted
        if heard.plan is not None and (wanted is None or heard.plan > wanted.revision):
            self.plans.reload()
        if self.access is not None and heard.access != conductor.access_revision:
            self.access.reload()


def _machine() -> str:
    """The name of this machine, as far as it is a name."""
    letters = [letter if letter.isascii() and letter.isalnum() else "-" for letter in socket.gethostname()]
    return "".join(letters).strip("-")[:100] or "replica"
