"""What the control API needs of the rooms below it: the services it puts on the wire.

Methods block, and are called in threads. Whatever writes takes its `Author` first: the author's project is
where it writes, and the journal entry is in the same transaction. Whatever reads takes the project first, and
knows nothing of others: a foreign thing raises `NotFound` as one that never was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from modelport.core.access import AccessSnapshot
from modelport.core.clock import Clock
from modelport.core.deployment import Deployment
from modelport.core.fleet import Heard, PlanStatus
from modelport.core.pages import Page
from modelport.core.plan import ServingPlan
from modelport.core.records import Alias, Entry, Model, Version
from modelport.core.roles import KeySeen, MadeKey, StoredKey
from modelport.core.rollout import Decided, Progress, Rollout, Wish
from modelport.core.sights import (
    Applied,
    Change,
    Check,
    Collected,
    Configuration,
    FeedbackSeen,
    LogLine,
    ModelStatus,
    ReplicaSeen,
    Taken,
)
from modelport.core.wishes import Apply, ModelChange, NewKey, NewModel, Registration, Truth, VersionChange
from modelport.db.idempotency import StoredAnswer
from modelport.db.journal import Author


class Registry(Protocol):
    """Models, versions, aliases. `ref` is a number, `v2`, a label, an alias, or a digest (CONTRACTS 2)."""

    def models(
        self, project: str, *, text: str, tags: Mapping[str, str], limit: int, cursor: str | None
    ) -> Page[Model]:
        """Models by name whose name or description holds `text` and that have all `tags`."""
        ...

    def model(self, project: str, name: str) -> Model: ...

    def create_model(self, author: Author, wish: NewModel) -> Model:
        """Raises `Conflict` (`model-exists`)."""
        ...

    def change_model(self, author: Author, name: str, change: ModelChange) -> Model: ...

    def delete_model(self, author: Author, name: str) -> None:
        """With all its versions; raises `Conflict` while one of them is deployed or aliased."""
        ...

    def register(
        self, author: Author, model: str, bundle: Path, registration: Registration
    ) -> tuple[Version, bool]:
        """The version of a bundle file, and whether it was made now. The file may be moved away."""
        ...

    def versions(self, project: str, model: str, *, limit: int, cursor: str | None) -> Page[Version]:
        """The newest first."""
        ...

    def version(self, project: str, model: str, ref: str) -> Version: ...

    def change_version(self, author: Author, model: str, ref: str, change: VersionChange) -> Version: ...

    def delete_version(self, author: Author, model: str, ref: str) -> None:
        """Raises `Conflict` while it is deployed or aliased."""
        ...

    def bundle(self, project: str, model: str, ref: str) -> Path:
        """The bundle file on this machine, its digest verified."""
        ...

    def diff(self, project: str, model: str, before: str, after: str) -> tuple[Change, ...]: ...

    def aliases(self, project: str, model: str) -> tuple[Alias, ...]: ...

    def set_alias(
        self, author: Author, model: str, name: str, version: str, *, expected: int | None
    ) -> Alias:
        """Point it there. `expected` is the revision it must have, 0 for not to be there, None for any;
        raises `PreconditionFailed`, or `Conflict` when the alias' gate does not let the version pass."""
        ...

    def delete_alias(self, author: Author, model: str, name: str, *, expected: int | None) -> None: ...

    def collect(self, author: Author, *, dry_run: bool) -> Collected:
        """Delete artifacts that nothing needs."""
        ...


class Deployments(Protocol):
    """What is wanted, and what is."""

    def apply(self, author: Author, wish: Apply) -> Applied: ...

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the configuration language."""
        ...

    def list(self, project: str, *, limit: int, cursor: str | None) -> Page[Deployment]: ...

    def get(self, project: str, endpoint: str) -> Deployment: ...

    def deploy(self, author: Author, endpoint: str, version: str) -> Deployment:
        """By the strategy its configuration has; `direct` when it has none."""
        ...

    def activate(self, author: Author, endpoint: str, version: str) -> Deployment:
        """With the strategy `direct`."""
        ...

    def delete(self, author: Author, endpoint: str, *, generation: int | None) -> None:
        """Stop serving it. `generation` is what it must have, None for any."""
        ...

    def wish(self, author: Author, endpoint: str, wish: Wish) -> Progress: ...

    def rollouts(self, project: str, endpoint: str, *, limit: int, cursor: str | None) -> Page[Rollout]:
        """The newest first."""
        ...

    def rollout(self, project: str, endpoint: str, id: str | None = None) -> Progress:  # noqa: A002
        """One rollout; None is the one under way, or the last."""
        ...

    def pending(self, project: str, endpoint: str) -> bool:
        """Whether what is wanted has yet to be taken up, so that its rollout has not begun."""
        ...

    def decisions(
        self,
        project: str,
        endpoint: str,
        id: str,  # noqa: A002
        *,
        limit: int,
        cursor: str | None,
    ) -> Page[Decided]: ...

    def status(self, project: str, model: str) -> ModelStatus: ...

    def configurations(
        self, project: str, *, kind: str | None, name: str | None, limit: int, cursor: str | None
    ) -> Page[Configuration]:
        """The newest version of each."""
        ...

    def configuration(self, project: str, kind: str, name: str) -> Configuration: ...

    def history(
        self, project: str, kind: str, name: str, *, limit: int, cursor: str | None
    ) -> Page[Configuration]:
        """The newest first."""
        ...

    def configuration_diff(
        self, project: str, kind: str, name: str, before: int, after: int
    ) -> tuple[Change, ...]: ...


class Fleet(Protocol):
    """Plans and keys for replicas, and what replicas tell. A fleet of another project is not there."""

    def plan(self, project: str, fleet: str) -> ServingPlan | None:
        """The newest plan; None before the first."""
        ...

    def access(self, project: str, fleet: str) -> AccessSnapshot: ...

    def report(self, project: str, fleet: str, status: PlanStatus) -> Heard: ...

    def replicas(self, project: str, fleet: str) -> tuple[ReplicaSeen, ...]: ...

    def spool(self, project: str, fleet: str, replica: str, file: str, *, offset: int, frames: bytes) -> int:
        """Append whole frames to a replica's spool file at `offset`; how far the file goes now."""
        ...

    def on_change(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Call `heard`, from any thread, when a plan or keys were published here; the answer ends that."""
        ...


class Feedback(Protocol):
    """Truths that arrive later."""

    def take(self, author: Author, model: str, truths: Sequence[Truth]) -> Taken: ...

    def since(
        self, project: str, model: str, since: float, *, limit: int, cursor: str | None
    ) -> Page[FeedbackSeen]: ...


class Keys(Protocol):
    """Keys of people and services."""

    def find(self, id: str) -> StoredKey | None:  # noqa: A002 - the word of the contract
        """As it is now: a revoked key is refused from the next request on."""
        ...

    def used(self, id: str, now: float) -> None:  # noqa: A002
        """Note that it was used, to the minute."""
        ...

    def create(self, author: Author, wish: NewKey) -> MadeKey: ...

    def list(self, project: str, *, limit: int, cursor: str | None) -> Page[KeySeen]: ...

    def revoke(self, author: Author, id: str) -> None: ...  # noqa: A002

    def bootstrap(self, token: str) -> MadeKey:
        """The first admin key for whoever holds the token that was printed at the first start.

        Raises `Unauthenticated` for another token, `Conflict` (`bootstrapped`) when there is a key."""
        ...


class Secrets(Protocol):
    """Values that are never given back."""

    def names(self, project: str) -> tuple[str, ...]: ...

    def put(self, author: Author, name: str, value: str) -> None: ...

    def delete(self, author: Author, name: str) -> None: ...


class Journal(Protocol):
    """Who did what."""

    def entries(
        self,
        project: str,
        *,
        since: float | None,
        actor: str | None,
        action: str | None,
        resource: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Entry]:
        """The newest first."""
        ...

    def note(
        self, author: Author, action: str, resource: str, *, result: str, detail: Mapping[str, Any]
    ) -> None:
        """Tell what wrote nothing itself: a refusal, a backup."""
        ...


class Idempotency(Protocol):
    """Answers by Idempotency-Key, caller and request (IETF draft-ietf-httpapi-idempotency-key-header-07)."""

    def begin(self, caller: str, key: str, fingerprint: str) -> StoredAnswer | None:
        """The stored answer, or None: then the request is to be carried out and ended by `finish` or
        `abandon`. Raises `Conflict` (`idempotency-running`), or `InvalidInput` (`idempotency-reused`) when
        the key was used with another request."""
        ...

    def finish(self, caller: str, key: str, answer: StoredAnswer) -> None: ...

    def abandon(self, caller: str, key: str) -> None:
        """It did not come to an answer: the next one may try."""
        ...


class Logs(Protocol):
    """Logs of the control plane and of the replicas of this machine, merged."""

    def read(
        self, project: str, *, service: str | None, model: str | None, since: float | None, after: str | None
    ) -> Iterator[LogLine]:
        """Lines by time, from `since` or after a `LogLine.place`, up to the end there is now."""
        ...


class Doctor(Protocol):
    """Looks whether everything is as it should be."""

    def examine(self) -> tuple[Check, ...]: ...

    def repair(self, author: Author) -> tuple[Check, ...]: ...


class Backup(Protocol):
    """All that must not be lost."""

    def stream(self) -> Iterator[bytes]:
        """A tar archive, consistent while everything runs."""
        ...


class Platform(Protocol):
    """Everything behind the API; `assembly` has the real one.

    Attributes:
        uploads: a private folder for bundles while they are received.
    """

    @property
    def clock(self) -> Clock: ...
    @property
    def uploads(self) -> Path: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def deployments(self) -> Deployments: ...
    @property
    def fleet(self) -> Fleet: ...
    @property
    def feedback(self) -> Feedback: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def secrets(self) -> Secrets: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def idempotency(self) -> Idempotency: ...
    @property
    def logs(self) -> Logs: ...
    @property
    def doctor(self) -> Doctor: ...
    @property
    def backup(self) -> Backup: ...
    def not_ready(self) -> str:
        """Why requests should go elsewhere; empty when this control plane takes them."""
        ...
