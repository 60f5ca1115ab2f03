"""What the registry knows: models, versions, aliases. The store, the API and the client share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelport.core.manifest import Parameters


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an alias demands of a version.

    Attributes:
        at_least, at_most: bounds of metrics, as {"accuracy": 0.9}; a metric that is not there does not pass.
        tags: tags that must be there with this value.
    """

    at_least: Mapping[str, float] = {}
    at_most: Mapping[str, float] = {}
    tags: Mapping[str, str] = {}


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name and what is known about it.

    Attributes:
        name: unique in its project.
        description, tags: for people and for search.
        created, created_by: seconds since the epoch; name of the key.
        policy: what an alias demands of a version before it may point there, by alias.
        versions: how many there are; `latest` is the newest.
    """

    name: str
    description: str = ""
    tags: Mapping[str, str] = {}
    created: float = 0.0
    created_by: str = ""
    policy: Mapping[str, Gate] = {}
    versions: int = 0
    latest: int = 0


class Lineage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a version comes from."""

    dataset: str = ""
    training_run: str = ""
    parent: int | None = None
    source: Mapping[str, str] = {}


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A version of a model; its number, identity and bundle never change.

    Attributes:
        model, number: `churn`, 2.
        label: semantic label such as `2.1.0`, unique in its model, or None.
        identity: of the bundle (`core.manifest.identity`), in hex.
        artifact: SHA-256 of the stored bundle file, in hex; `size` in bytes.
        task: what its outputs mean.
        contract: digest of its signature: versions with the same can share an endpoint.
        parameters: the bundle's own, which a deployment may override.
        metrics: numbers known of it (from its evidence, or added later).
        tags: for people, search and gates.
        lineage: where it comes from.
        created, created_by: seconds since the epoch; name of the key.
    """

    model: str
    number: int
    identity: str
    artifact: str
    size: int
    label: str | None = None
    task: str = ""
    contract: str = ""
    parameters: Parameters | None = None
    metrics: Mapping[str, float] = {}
    tags: Mapping[str, str] = {}
    lineage: Lineage = Lineage()
    created: float = 0.0
    created_by: str = ""

    @property
    def id(self) -> str:
        """`churn:2`, which is also the id of its slot."""
        return f"{self.model}:{self.number}"


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A movable name of a version.

    Attributes:
        model, name, version: `churn`, `champion`, 2.
        revision: goes up with every move; what `If-Match` compares.
        updated, updated_by: seconds since the epoch; name of the key.
    """

    model: str
    name: str
    version: int
    revision: int
    updated: float
    updated_by: str


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One entry of the journal: who did what, chained so that a removed or changed one shows.

    Attributes:
        number: counts from 1 without a gap.
        at: seconds since the epoch.
        actor: name of the key, `control` for the control plane itself.
        action: `model.register`, `deployment.apply`, `rollout.decide`, ...
        resource: what it was done to (`churn:2`).
        detail: of the action; never a secret.
        request_id, address: of the request; empty for the control plane itself.
        result: `ok`, or the code of the refusal.
        previous, digest: SHA-256 of the entry before, and of this one, in hex.
    """

    number: int
    at: float
    actor: str
    action: str
    resource: str
    project: str = "default"
    detail: Mapping[str, Any] = {}
    request_id: str = ""
    address: str = ""
    result: str = "ok"
    previous: str = ""
    digest: str = ""
