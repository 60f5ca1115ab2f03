"""The front of the SDK: one connection, and the nouns on it."""

from __future__ import annotations

from typing import Self

import httpx

from modelport.client import wire
from modelport.client.aiolink import AsyncLink
from modelport.client.control import build
from modelport.client.control.aio.deployments import AsyncConfigurations, AsyncDeployments, AsyncRollouts
from modelport.client.control.aio.feedback import AsyncFeedback
from modelport.client.control.aio.operations import (
    AsyncAudit,
    AsyncBackup,
    AsyncDoctor,
    AsyncFleets,
    AsyncKeys,
    AsyncLogs,
    AsyncSecrets,
)
from modelport.client.control.aio.registry import AsyncAliases, AsyncModels, AsyncVersions
from modelport.client.control.place import locate
from modelport.client.retry import Retries
from modelport.core.roles import MadeKey


class AsyncControl:
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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        place = locate(url, key)
        self.url = place.url
        self._link = link = AsyncLink(
            place.url,
            place.key,
            timeout=timeout,
            retries=retries,
            verify=verify,
            cert=cert,
            transport=transport,
        )
        self.models = AsyncModels(link)
        self.versions = AsyncVersions(link)
        self.aliases = AsyncAliases(link)
        self.deployments = AsyncDeployments(link)
        self.rollouts = AsyncRollouts(link)
        self.configurations = AsyncConfigurations(link)
        self.feedback = AsyncFeedback(link)
        self.keys = AsyncKeys(link)
        self.secrets = AsyncSecrets(link)
        self.audit = AsyncAudit(link)
        self.logs = AsyncLogs(link)
        self.fleets = AsyncFleets(link)
        self.doctor = AsyncDoctor(link)
        self.backup = AsyncBackup(link)

    async def bootstrap(self, token: str) -> MadeKey:
        """The first key, once, for the token that was printed at the first start."""
        return await self._link.run(build.post(build.at("bootstrap"), MadeKey, {"token": token}))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._link.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
