"""Deployments, rollouts, configurations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from modelport.client.aiolink import AsyncLink
from modelport.client.calls import Call
from modelport.client.control import build
from modelport.client.control.aio import streams
from modelport.client.control.build import at
from modelport.core.deployment import Deployment
from modelport.core.pages import Page
from modelport.core.ready import ready
from modelport.core.rollout import Decided, Progress, Rollout
from modelport.core.sights import Applied, Change, Configuration
from modelport.core.wishes import Apply, VersionWish


class AsyncDeployments:
    """What is wanted of each endpoint."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def apply(
        self,
        text: str,
        *,
        json: bool = False,
        model: str | None = None,
        version: object = None,
        dry_run: bool = False,
    ) -> Applied:
        """Make documents of the configuration language true; the same again changes nothing.

        `json` says that the text is JSON. `dry_run` only tells what would change.
        """
        named = None if version is None else str(version)
        wish = Apply(text, "json" if json else "yaml", model, named, dry_run)
        return await self._link.run(build.post(at("apply"), Applied, wish))

    async def schema(self) -> dict[str, Any]:
        """The JSON Schema of the documents, for editors."""
        return await self._link.run(build.get(at("schema"), dict[str, Any]))

    async def list(self) -> AsyncIterator[Deployment]:
        """By endpoint."""

        def page(cursor: str | None) -> Call[Page[Deployment]]:
            return build.get(at("deployments"), Page[Deployment], cursor=cursor)

        async for deployment in streams.every(self._link, page):
            yield deployment

    async def get(self, endpoint: str) -> Deployment:
        """Raises `NotFound`."""
        return await self._link.run(build.get(at("deployments", endpoint), Deployment))

    async def deploy(self, endpoint: str, version: int | str) -> Deployment:
        """By the strategy its configuration has; `direct` when it has none."""
        call = build.post(at("deployments", endpoint, "deploy"), Deployment, VersionWish(version))
        return await self._link.run(call)

    async def activate(self, endpoint: str, version: int | str) -> Deployment:
        """All traffic to a version as soon as it is ready."""
        call = build.post(at("deployments", endpoint, "activate"), Deployment, VersionWish(version))
        return await self._link.run(call)

    async def delete(self, endpoint: str, *, expected: int | None = None) -> None:
        """Stop serving it; with `expected`, only while it has this generation."""
        headers = build.if_match(expected) or {"if-match": "*"}
        await self._link.run(build.delete(at("deployments", endpoint), headers))


class AsyncRollouts:
    """Endpoints on their way from a version to another."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def get(self, endpoint: str, id: str | None = None) -> Progress:  # noqa: A002
        """One rollout; without an id the one under way, or the last."""
        return await self._link.run(
            build.get(at("deployments", endpoint, "rollouts", id or "latest"), Progress)
        )

    async def list(self, endpoint: str) -> AsyncIterator[Rollout]:
        """The newest first."""

        def page(cursor: str | None) -> Call[Page[Rollout]]:
            return build.get(at("deployments", endpoint, "rollouts"), Page[Rollout], cursor=cursor)

        async for rollout in streams.every(self._link, page):
            yield rollout

    async def decisions(self, endpoint: str, id: str) -> AsyncIterator[Decided]:  # noqa: A002
        """Every decision with its evidence, the first one first."""

        def page(cursor: str | None) -> Call[Page[Decided]]:
            path = at("deployments", endpoint, "rollouts", id, "decisions")
            return build.get(path, Page[Decided], cursor=cursor)

        async for decided in streams.every(self._link, page):
            yield decided

    async def watch(self, endpoint: str) -> AsyncIterator[Progress]:
        """The rollout now and whenever it changes, until it has ended."""
        call = build.events(at("deployments", endpoint, "rollout", "events"))
        async for event in streams.live(self._link, call):
            if event.kind == "rollout":
                yield msgspec.json.decode(event.data, type=ready(Progress))

    async def pause(self, endpoint: str) -> Progress:
        """Leave the split as it is until it is resumed."""
        return await self._wish(endpoint, "pause")

    async def resume(self, endpoint: str) -> Progress:
        """Go on where it was paused."""
        return await self._wish(endpoint, "resume")

    async def promote(self, endpoint: str) -> Progress:
        """All traffic to the candidate, whatever the evidence says."""
        return await self._wish(endpoint, "promote")

    async def rollback(self, endpoint: str) -> Progress:
        """All traffic back to the baseline."""
        return await self._wish(endpoint, "rollback")

    async def _wish(self, endpoint: str, wish: str) -> Progress:
        return await self._link.run(build.post(at("deployments", endpoint, "rollout", wish), Progress))


class AsyncConfigurations:
    """Documents as they were applied, with their history. `kind` is `deployment` or `model_config`."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self, *, kind: str | None = None, name: str | None = None) -> AsyncIterator[Configuration]:
        """The newest version of each."""

        def page(cursor: str | None) -> Call[Page[Configuration]]:
            return build.get(at("configurations"), Page[Configuration], kind=kind, name=name, cursor=cursor)

        async for configuration in streams.every(self._link, page):
            yield configuration

    async def get(self, kind: str, name: str) -> Configuration:
        """The newest version."""
        return await self._link.run(build.get(at("configurations", kind, name), Configuration))

    async def history(self, kind: str, name: str) -> AsyncIterator[Configuration]:
        """Every version, the newest first."""

        def page(cursor: str | None) -> Call[Page[Configuration]]:
            path = at("configurations", kind, name, "history")
            return build.get(path, Page[Configuration], cursor=cursor)

        async for configuration in streams.every(self._link, page):
            yield configuration

    async def diff(self, kind: str, name: str, before: int, after: int) -> tuple[Change, ...]:
        """What changed between two versions."""
        path = at("configurations", kind, name, "diff")
        return await self._link.run(build.get(path, tuple[Change, ...], from_=before, to=after))
