"""The front of the SDK: one connection, and the nouns on it."""

from __future__ import annotations

from typing import Self

import httpx

from modelport.client import wire
from modelport.client.control import build
from modelport.client.control.place import locate
from modelport.client.control.sync.deployments import Configurations, Deployments, Rollouts
from modelport.client.control.sync.feedback import Feedback
from modelport.client.control.sync.operations import (
    Audit,
    Backup,
    Doctor,
    Fleets,
    Keys,
    Logs,
    Secrets,
)
from modelport.client.control.sync.registry import Aliases, Models, Versions
from modelport.client.link import Link
from modelport.client.retry import Retries
from modelport.core.roles import MadeKey


class Control:
    """A control plane.

    Without a `url` it is the one `MODELPORT_CONTROL` names, or that of `modelport up` in the working folder,
    whose key is then found too. `timeout` is in seconds for a whole call, retries included. Every call that
    makes something carries an Idempotency-Key, so that a repetition makes it once.

    Every method raises the typed errors of `modelport.errors`, as `Client` does; `Conflict` and
    `PreconditionFailed` where another was first.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        timeout: float | None = 30.0,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        verify: wire.Verify = True,
        cert: wire.ClientCertificate | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        place = locate(url, key)
        self.url = place.url
        self._link = link = Link(
            place.url,
            place.key,
            timeout=timeout,
            retries=retries,
            verify=verify,
            cert=cert,
            transport=transport,
        )
        self.models = Models(link)
        self.versions = Versions(link)
        self.aliases = Aliases(link)
        self.deployments = Deployments(link)
        self.rollouts = Rollouts(link)
        self.configurations = Configurations(link)
        self.feedback = Feedback(link)
        self.keys = Keys(link)
        self.secrets = Secrets(link)
        self.audit = Audit(link)
        self.logs = Logs(link)
        self.fleets = Fleets(link)
        self.doctor = Doctor(link)
        self.backup = Backup(link)

    def bootstrap(self, token: str) -> MadeKey:
        """The first key, once, for the token that was printed at the first start."""
        return self._link.run(build.post(build.at("bootstrap"), MadeKey, {"token": token}))

    def close(self) -> None:
        """Close every connection."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
