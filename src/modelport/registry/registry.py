"""The model registry: one transaction per method, each change with its entry in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy.engine import Connection

from modelport.bundle.reader import open_bundle
from modelport.core.clock import Clock
from modelport.core.pages import Page
from modelport.core.records import Alias, Model, Version
from modelport.core.sights import Change, Collected
from modelport.core.wishes import ModelChange, NewModel, Registration, VersionChange
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.errors import Conflict
from modelport.registry import aliases, differ, garbage, models, removal, verify, versions
from modelport.registry import register as registering
from modelport.registry.downloads import Downloads
from modelport.registry.uses import Uses
from modelport.registry.versions import Sought
from modelport.storage.store import Store

T = TypeVar("T")


class Registry:
    """Models, versions and aliases of all projects. Thread-safe; calls block.

    Args:
        database: where they are kept.
        store: where bundle files are kept.
        folder: where files lie while they are downloaded.
        clock: dates what is written.
        uses: what is deployed.
    """

    def __init__(self, database: Database, store: Store, folder: Path, clock: Clock, uses: Uses) -> None:
        self._database = database
        self._store = store
        self._downloads = Downloads(store, folder)
        self._clock = clock
        self._uses = uses

    def models(
        self,
        project: str,
        *,
        text: str = "",
        tags: Mapping[str, str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Model]:
        """Models by name whose name or description holds `text`, in any case, and that have all `tags`."""
        wanted = tags or {}
        return self._read(
            lambda connection: models.find(
                connection, project, text=text, tags=wanted, limit=limit, after=cursor
            )
        )

    def model(self, project: str, name: str) -> Model:
        """A model. Raises `NotFound` (`model-not-found`)."""
        return self._read(lambda connection: models.get(connection, project, name))

    def create_model(self, author: Author, wish: NewModel) -> Model:
        """Make a model without versions. Raises `Conflict` (`model-exists`), `NameInvalid`, `BadRequest`."""
        at = self._clock.now()

        def create(connection: Connection) -> Model:
            if not models.make(
                connection, author, wish.name, at, description=wish.description, tags=wish.tags
            ):
                msg = f"there is a model {wish.name!r} already"
                raise Conflict(msg, code="model-exists", hint="change it, or take another name")
            journal.append(connection, author, "model.create", wish.name, at=at)
            return models.get(connection, author.project, wish.name)

        return self._database.write(create)

    def change_model(self, author: Author, name: str, change: ModelChange) -> Model:
        """Change what is not None. Raises `NotFound`, `NameInvalid`, `BadRequest`."""
        at = self._clock.now()

        def work(connection: Connection) -> Model:
            changed = models.change(connection, author.project, name, change)
            journal.append(connection, author, "model.change", name, at=at, detail=_asked(change))
            return changed

        return self._database.write(work)

    def delete_model(self, author: Author, name: str) -> None:
        """With all its versions. Raises `NotFound`, `Conflict` as `delete_version`."""
        at = self._clock.now()
        self._database.write(lambda connection: removal.model(connection, author, self._uses, name, at=at))

    def register(
        self, author: Author, model: str, bundle: Path, registration: Registration
    ) -> tuple[Version, bool]:
        """The version of a bundle file, and whether it was made now. The file is copied, and stays.

        Raises `BundleError` and its kin, `NameInvalid`, `BadRequest`, `NotFound` for the parent, `Conflict`
        (`label-taken`), `DiskFull`, and what the store raises.
        """
        return registering.register(
            self._database,
            self._store,
            author,
            model,
            file=bundle,
            wish=registration,
            at=self._clock.now(),
        )

    def versions(
        self,
        project: str,
        model: str,
        *,
        limit: int = 50,
        cursor: str | None = None,
        sought: Sought | None = None,
    ) -> Page[Version]:
        """Versions that are `sought`, the newest first. Raises `NotFound`."""
        wanted = sought or Sought()
        return self._read(
            lambda connection: versions.find(connection, project, model, wanted, limit=limit, after=cursor)
        )

    def version(self, project: str, model: str, ref: str) -> Version:
        """The version that people mean by `ref` (`aliases.resolve`). Raises `NotFound`."""
        return self._read(lambda connection: aliases.resolve(connection, project, model, ref))

    def change_version(self, author: Author, model: str, ref: str, change: VersionChange) -> Version:
        """Change what is not None. Raises `NotFound`, `NameInvalid`, `BadRequest`, `Conflict`."""
        at = self._clock.now()

        def work(connection: Connection) -> Version:
            number = aliases.resolve(connection, author.project, model, ref).number
            changed = versions.change(connection, author.project, model, number, change)
            detail = _asked(change)
            journal.append(connection, author, "version.change", changed.id, at=at, detail=detail)
            return changed

        return self._database.write(work)

    def delete_version(self, author: Author, model: str, ref: str) -> None:
        """Remove a version; its number is not given again. Garbage collection takes its artifact.

        Raises `NotFound`, and `Conflict` while it has an alias (`version-aliased`) or is deployed
        (`version-deployed`).
        """
        at = self._clock.now()
        self._database.write(
            lambda connection: removal.version(connection, author, self._uses, model, ref, at=at)
        )

    def bundle(self, project: str, model: str, ref: str) -> Path:
        """The bundle file on this machine, its digest verified; open it soon.

        Raises `NotFound`, `BundleCorrupt` (`digest-mismatch`), and what the store raises.
        """
        return self._downloads.file(self.version(project, model, ref).artifact)

    def diff(self, project: str, model: str, before: str, after: str) -> tuple[Change, ...]:
        """What differs between two versions: documents, files, metrics, contract."""
        first, second = (self._described(project, model, ref) for ref in (before, after))
        return differ.changes(first, second)

    def aliases(self, project: str, model: str) -> tuple[Alias, ...]:
        """All aliases of a model, by name. Raises `NotFound`."""
        return self._read(lambda connection: aliases.of(connection, project, model))

    def set_alias(
        self, author: Author, model: str, name: str, version: str, *, expected: int | None = None
    ) -> Alias:
        """As `aliases.move`; whoever deploys hears of it in the same transaction."""
        at = self._clock.now()

        def move(connection: Connection) -> Alias:
            alias = aliases.move(connection, author, model, name, version, at=at, expected=expected)
            self._uses.alias_moved(connection, author, alias)
            return alias

        return self._database.write(move)

    def delete_alias(self, author: Author, model: str, name: str, *, expected: int | None = None) -> None:
        """As `aliases.remove`."""
        at = self._clock.now()
        self._database.write(
            lambda connection: aliases.remove(connection, author, model, name, at=at, expected=expected)
        )

    def collect(self, author: Author, *, dry_run: bool, grace: float = garbage.GRACE) -> Collected:
        """Delete artifacts that nothing needs and nothing touched for `grace` seconds (`garbage.collect`)."""
        now = self._clock.now()
        this = garbage.Round(author, self._store, self._uses, now, now - grace)
        return garbage.collect(self._database, this, dry_run=dry_run)

    def damaged(self) -> Iterator[verify.Damaged]:
        """As `verify.damaged`: reads every artifact."""
        return verify.damaged(self._database, self._store)

    def clear(self, found: verify.Damaged) -> None:
        """As `verify.clear`."""
        verify.clear(self._store, found)

    def _described(self, project: str, model: str, ref: str) -> dict[str, object]:
        version = self.version(project, model, ref)
        with open_bundle(self._downloads.file(version.artifact)) as bundle:
            return differ.described(version, bundle.manifest, bundle.about)

    def _read(self, look: Callable[[Connection], T]) -> T:
        with self._database.reading() as connection:
            return look(connection)


def _asked(change: ModelChange | VersionChange) -> dict[str, object]:
    """What was to change, for the journal."""
    asked = msgspec.structs.asdict(change)
    return {name: msgspec.to_builtins(value) for name, value in asked.items() if value is not None}
