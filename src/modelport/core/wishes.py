"""What callers of the control API send. The API, the services behind it and the client share these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from modelport.core.records import Gate
from modelport.core.roles import Role


class NewModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A model to be made, before it has versions."""

    name: str
    description: str = ""
    tags: Mapping[str, str] = {}


class ModelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to change of a model; None leaves it. Mappings replace the former ones as a whole."""

    description: str | None = None
    tags: Mapping[str, str] | None = None
    policy: Mapping[str, Gate] | None = None


class VersionChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to change of a version; None leaves it. Mappings replace the former ones as a whole."""

    label: str | None = None
    tags: Mapping[str, str] | None = None
    metrics: Mapping[str, float] | None = None


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a bundle is to be registered.

    Attributes:
        label: semantic label; the bundle's own when None.
        new_version: make another version even when this identity has one.
        parent, dataset, training_run: where it comes from (`core.records.Lineage`).
    """

    label: str | None = None
    new_version: bool = False
    parent: int | None = None
    dataset: str = ""
    training_run: str = ""


class VersionWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version as people write it: `2`, `v2`, `churn:2`, `2.1.0`, an alias."""

    version: int | str


class Apply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Documents of the configuration language, as text, so that faults can name a line.

    Attributes:
        text, format: what was written.
        model, version: what the documents are bound to, whatever they say themselves.
        dry_run: only tell what would change.
    """

    text: str
    format: Literal["yaml", "json"] = "yaml"
    model: str | None = None
    version: str | None = None
    dry_run: bool = False


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key to be made.

    Attributes:
        name: who or what it is for.
        role, scopes: what it may do; scopes are for the role `service`.
        rate: such as `100/s`.
        expires: seconds since the epoch; None for never.
    """

    name: str
    role: Role = "service"
    scopes: tuple[str, ...] = ()
    rate: str | None = None
    expires: float | None = None
    priority: Literal["interactive", "batch"] = "interactive"


class SecretValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret to be kept; it is never given back."""

    value: str

    def __repr__(self) -> str:
        return "SecretValue(value=…)"


class Truth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was right, learned later (CONTRACTS 6).

    Attributes:
        actual: what it turned out to be.
        prediction_id: of the prediction; row `i` of several is `<id>.<i>`.
        user_id, prediction: in its place, whose latest prediction it is, and what that said.
    """

    actual: Any
    prediction_id: str = ""
    user_id: str = ""
    prediction: Any = None
