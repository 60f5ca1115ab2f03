"""Models, versions, aliases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from modelport.client.aiolink import AsyncLink
from modelport.client.calls import Call, Progress
from modelport.client.control import build
from modelport.client.control.aio import streams
from modelport.client.control.build import at
from modelport.core.pages import Page
from modelport.core.records import Alias, Gate, Model, Version
from modelport.core.sights import Change, Collected, ModelStatus
from modelport.core.wishes import ModelChange, NewModel, VersionChange, VersionWish


class AsyncModels:
    """Names, and what is known about them."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self, text: str = "", *, tags: Mapping[str, str] | None = None) -> AsyncIterator[Model]:
        """By name; `text` stands in the name or description, and all `tags` are there."""

        def page(cursor: str | None) -> Call[Page[Model]]:
            return build.get(at("models"), Page[Model], q=text, tag=tags or {}, cursor=cursor)

        async for model in streams.every(self._link, page):
            yield model

    async def create(
        self, name: str, *, description: str = "", tags: Mapping[str, str] | None = None
    ) -> Model:
        """A model without versions; registering one makes its model too."""
        wish = NewModel(name, description, tags or {})
        return await self._link.run(build.post(at("models"), Model, wish))

    async def get(self, name: str) -> Model:
        """Raises `NotFound`."""
        return await self._link.run(build.get(at("models", name), Model))

    async def change(
        self,
        name: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        policy: Mapping[str, Gate] | None = None,
    ) -> Model:
        """What is None stays; mappings replace the former ones."""
        change = ModelChange(description, tags, policy)
        return await self._link.run(build.patch(at("models", name), Model, change))

    async def delete(self, name: str) -> None:
        """With all its versions. Raises `Conflict` while one is deployed or aliased."""
        await self._link.run(build.delete(at("models", name)))

    async def status(self, name: str) -> ModelStatus:
        """State and why, versions and shares, replicas, last errors."""
        return await self._link.run(build.get(at("models", name, "status"), ModelStatus))

    async def diff(self, name: str, before: object, after: object) -> tuple[Change, ...]:
        """What differs between two versions: documents, metrics, files, contract."""
        call = build.get(at("models", name, "diff"), tuple[Change, ...], from_=before, to=after)
        return await self._link.run(call)

    async def collect_garbage(self, *, dry_run: bool = False) -> Collected:
        """Delete artifacts that no version, deployment, rollout or plan needs."""
        return await self._link.run(build.post(at("garbage"), Collected, dry_run=dry_run))


class AsyncVersions:
    """Versions of a model. `version` is a number, `v2`, a label, an alias or a digest."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def register(
        self,
        model: str,
        bundle: str | Path,
        *,
        label: str | None = None,
        new_version: bool = False,
        parent: int | None = None,
        dataset: str = "",
        training_run: str = "",
        progress: Progress | None = None,
        deadline: float | None = None,
    ) -> Version:
        """The version of a bundle file; an identity that has one already answers with it.

        `progress` is told the bytes sent and how many there are; `deadline` is in seconds.
        """
        call = build.upload(
            at("models", model, "versions"),
            Version,
            Path(bundle),
            progress,
            label=label,
            new_version=new_version,
            parent=parent,
            dataset=dataset,
            training_run=training_run,
        )
        return await self._link.run(call, deadline)

    async def list(self, model: str) -> AsyncIterator[Version]:
        """The newest first."""

        def page(cursor: str | None) -> Call[Page[Version]]:
            return build.get(at("models", model, "versions"), Page[Version], cursor=cursor)

        async for version in streams.every(self._link, page):
            yield version

    async def get(self, model: str, version: object) -> Version:
        """Raises `NotFound`."""
        return await self._link.run(build.get(at("models", model, "versions", version), Version))

    async def change(
        self,
        model: str,
        version: object,
        *,
        label: str | None = None,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> Version:
        """What is None stays; mappings replace the former ones."""
        change = VersionChange(label, tags, metrics)
        return await self._link.run(build.patch(at("models", model, "versions", version), Version, change))

    async def delete(self, model: str, version: object) -> None:
        """Raises `Conflict` while it is deployed or aliased."""
        await self._link.run(build.delete(at("models", model, "versions", version)))

    async def download(
        self, model: str, version: object, to: str | Path, *, progress: Progress | None = None
    ) -> Path:
        """Its bundle as a file, there only when it is whole and its digest is right."""
        call = build.download("GET", at("models", model, "versions", version, "bundle"))
        return await streams.fetch(self._link, call, Path(to), progress)


class AsyncAliases:
    """Movable names of versions."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self, model: str) -> tuple[Alias, ...]:
        """All of a model."""
        return await self._link.run(build.get(at("models", model, "aliases"), tuple[Alias, ...]))

    async def set(self, model: str, alias: str, version: int | str, *, expected: int | None = None) -> Alias:
        """Point it there. With `expected`, only while it has this revision (0: while it is not there), else
        `PreconditionFailed`; None moves it whatever it was."""
        path = at("models", model, "aliases", alias)
        call = build.put(path, Alias, VersionWish(version), build.if_match(expected))
        return await self._link.run(call)

    async def delete(self, model: str, alias: str, *, expected: int | None = None) -> None:
        """With `expected`, only while it has this revision."""
        await self._link.run(build.delete(at("models", model, "aliases", alias), build.if_match(expected)))
