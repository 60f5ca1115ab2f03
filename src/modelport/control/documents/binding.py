"""Which model and which version a document is about (CONTRACTS 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from modelport.control.documents.faults import listed, meant
from modelport.core.deployment import DeploymentSpec
from modelport.core.records import Version
from modelport.registry import refs


class Binding(Protocol):
    """What a document can be bound to: what the registry and the control plane know of a project."""

    def models(self) -> Sequence[str]:
        """Names of the models there are, in order; the first hundred are enough."""
        ...

    def versions(self, model: str) -> Sequence[Version] | None:
        """Versions of a model, the oldest first; None where there is no such model."""
        ...

    def aliases(self, model: str) -> Mapping[str, int]:
        """Versions by alias."""
        ...

    def live(self, model: str) -> int | None:
        """The version that answers outside of a rollout."""
        ...

    def wanted(self, model: str) -> DeploymentSpec | None:
        """What is wanted of its endpoint at present."""
        ...


class Unbound(Exception):
    """Nothing there is meant by a word; `str` of it says what there is."""


class Picked(msgspec.Struct, frozen=True):
    """A version, and the alias that it was named by."""

    number: int
    alias: str | None = None


class Known(msgspec.Struct, frozen=True):
    """A model with what it can be bound to.

    Attributes:
        model: its name.
        versions: the oldest first, at least one.
        aliases: versions by alias.
        live: the version that answers.
        wanted: what is wanted at present.
    """

    model: str
    versions: tuple[Version, ...]
    aliases: Mapping[str, int]
    live: int | None
    wanted: DeploymentSpec | None

    def version(self, word: str | int) -> int:
        """A version by number (as `registry.refs` reads it), label or digest. Raises `Unbound`."""
        found = self._number(str(word))
        if found is None:
            msg = f"model {self.model!r} has no version {word!r}: it has {self._there()}"
            raise Unbound(msg)
        return found

    def pick(self, word: str | int) -> Picked:
        """A version as above, or by an alias: `champion`, `@champion`, `churn@champion`. Raises `Unbound`."""
        model, at, name = str(word).rpartition("@")
        alias = name if at and model in ("", self.model) else str(word)
        number = None if at else self._number(alias)
        if number is not None:
            return Picked(number)
        if alias in self.aliases:
            return Picked(self.aliases[alias], alias)
        aliases = f"; its aliases are {listed(self.aliases)}" if self.aliases else "; it has no alias"
        near = meant(alias, [*self.aliases, *self._labels()])
        msg = f"model {self.model!r} has no version {word!r}: it has {self._there()}{aliases}{near}"
        raise Unbound(msg)

    def newest(self) -> int:
        """The newest version: what is deployed when nobody says which."""
        return max(version.number for version in self.versions)

    def task(self, number: int) -> str:
        """What the outputs of a version mean; empty where that is not known."""
        return next((version.task for version in self.versions if version.number == number), "")

    def _number(self, word: str) -> int | None:
        digest = refs.digest_of(word)
        for version in self.versions:
            if version.label == word or (digest and digest in (version.identity, version.artifact)):
                return version.number
        number = self.newest() if word == refs.LATEST else refs.number_of(self.model, word)
        return number if any(version.number == number for version in self.versions) else None

    def _labels(self) -> list[str]:
        return [version.label for version in self.versions if version.label]

    def _there(self) -> str:
        newest = [*self.versions][::-1]
        return listed(f"{each.number} ({each.label})" if each.label else str(each.number) for each in newest)


def known(binding: Binding, model: str) -> Known:
    """What a model can be bound to; raises `Unbound` listing the models there are."""
    versions = binding.versions(model)
    if versions is None:
        there = binding.models()
        msg = f"there is no model {model!r}: there is {listed(there)}{meant(model, there)}"
        raise Unbound(msg)
    if not versions:
        msg = f"model {model!r} has no version yet: modelport register {model}.bundle"
        raise Unbound(msg)
    return Known(model, tuple(versions), binding.aliases(model), binding.live(model), binding.wanted(model))
