"""From documents to what is asked for: models and versions found, quantities in their units."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec import UNSET

from modelport.control.documents.binding import Binding, Known, Picked, Unbound, known
from modelport.control.documents.configs import config
from modelport.control.documents.configs import faults as config_faults
from modelport.control.documents.faults import Fault, listed, refused
from modelport.control.documents.reading import Documents, PlacedConfig, PlacedDeployment
from modelport.control.documents.strategies import Wrong, spec
from modelport.control.documents.target import Abilities
from modelport.control.documents.vain import unsure
from modelport.control.wanted import Asked
from modelport.core.deployment import DeploymentSpec

Placed = PlacedConfig | PlacedDeployment
LOCAL = Abilities()


def resolve(
    documents: Documents,
    binding: Binding,
    *,
    model: str | None = None,
    version: str | None = None,
    target: Abilities = LOCAL,
) -> tuple[Asked, ...]:
    """What documents ask for: configurations first, then deployments, each in the order of the text.

    Args:
        model, version: what was said beside the documents; it goes before what they say.
        target: where they are to be carried out.

    Raises `InvalidInput` naming every fault with its place: `document-unbound` when no such model or version
    is there, `target-cannot` for what the target cannot honour, `bad-pattern` and `slow-pattern`, else
    `document-invalid`.
    """
    resolver = _Resolver(documents, binding, model, version, target)
    asked = tuple(resolver.asked())
    if resolver.faults:
        raise refused(resolver.faults)
    return asked


class _Resolver:
    """One text on its way; collects what is wrong."""

    def __init__(
        self,
        documents: Documents,
        binding: Binding,
        model: str | None,
        version: str | None,
        target: Abilities,
    ) -> None:
        self.faults: list[Fault] = []
        self._documents = documents
        self._binding = binding
        self._model = model
        self._version = version
        self._target = target
        self._seen: dict[tuple[str, str], Placed] = {}

    def asked(self) -> Iterator[Asked]:
        """All that is asked for; where a document is wrong, its fault is noted and the next one is read."""
        documents: tuple[Placed, ...] = (*self._documents.configs, *self._documents.deployments)
        for placed in documents:
            try:
                yield from self._one(placed)
            except Wrong as wrong:
                self.faults.extend(wrong.faults)

    def _one(self, placed: Placed) -> Iterator[Asked]:
        found = self._known(placed)
        self._once(placed, found.model)
        refusals = tuple(self._target.refusals(placed))
        if refusals:
            raise Wrong(*refusals)
        if isinstance(placed, PlacedDeployment):
            wanted = self._wanted(placed, found)
            yield Asked("deployment", found.model, placed.written(), wanted)
            return
        wrong = (*config_faults(placed), *unsure(placed, found))
        if wrong:
            raise Wrong(*wrong)
        yield Asked("model_config", found.model, placed.written(), config(placed))
        yield from self._first(placed, found)

    def _first(self, placed: PlacedConfig, found: Known) -> Iterator[Asked]:
        """A `model_config` that says a version and has no deployment beside it: that version must be there
        already, or is deployed where nothing is."""
        written = self._version or placed.form.version
        if written is UNSET or found.model in self._deployed:
            return
        picked = self._pick(placed, found, written, "version")
        if found.wanted is None:
            document = {"strategy": "direct", "model": found.model, "version": written}
            wanted = DeploymentSpec(found.model, "direct", picked.number, follows=picked.alias)
            yield Asked("deployment", found.model, document, wanted)
        elif picked.number not in (found.live, found.wanted.candidate):
            answers = f"version {found.live}" if found.live else f"version {found.wanted.candidate}"
            why = f"{answers} is deployed: a deployment document says how version {written} gets there"
            raise Wrong(placed.fault(why, "version"))

    def _wanted(self, placed: PlacedDeployment, found: Known) -> DeploymentSpec:
        word = self._said(placed, found)
        given = None if word is None else self._pick(placed, found, word, "version")
        return spec(placed, found, given, lambda: Picked(found.newest()))

    def _said(self, placed: PlacedDeployment, found: Known) -> str | int | None:
        """The version that anything says is to be brought."""
        if self._version is not None:
            return self._version
        if placed.form.version is not UNSET:
            return placed.form.version
        pointed = self._reference(placed)[1]
        if pointed:
            return pointed
        return self._versions.get(found.model)

    @cached_property
    def _versions(self) -> dict[str, str | int]:
        """The version that a `model_config` of the same file says, by model."""
        said = [(self._safe_name(each), each.form.version) for each in self._documents.configs]
        return {name: version for name, version in said if name is not None and version is not UNSET}

    @cached_property
    def _deployed(self) -> frozenset[str | None]:
        """Models that the same file deploys."""
        return frozenset(self._safe_name(each) for each in self._documents.deployments)

    def _pick(self, placed: Placed, found: Known, word: str | int, key: str) -> Picked:
        try:
            return found.pick(word)
        except Unbound as error:
            raise Wrong(placed.fault(str(error), key, code="document-unbound")) from error

    def _known(self, placed: Placed) -> Known:
        try:
            return known(self._binding, self._name(placed))
        except Unbound as error:
            key = "name" if isinstance(placed, PlacedConfig) else "model"
            raise Wrong(placed.fault(str(error), key, code="document-unbound")) from error

    def _name(self, placed: Placed) -> str:
        return self._reference(placed)[0]

    def _reference(self, placed: Placed) -> tuple[str, str]:
        """The model a document is about, and the version or alias that its reference names, if any."""
        written = self._model or self._written(placed)
        for sign in ("@", ":"):
            name, found, pointed = written.partition(sign)
            if found:
                return name, (f"@{pointed}" if sign == "@" else pointed)
        return written, ""

    def _written(self, placed: Placed) -> str:
        own = placed.form.name if isinstance(placed, PlacedConfig) else placed.form.model
        if own is not UNSET:
            return own
        beside = {each.form.name for each in self._documents.configs if each.form.name is not UNSET}
        if isinstance(placed, PlacedDeployment) and len(beside) == 1:
            return str(beside.pop())
        there = listed(self._binding.models())
        key = "name" if isinstance(placed, PlacedConfig) else "model"
        why = f"which model is it about? Say {key!r} here, or --model; there is {there}"
        raise Wrong(placed.fault(why, key, code="document-unbound"))

    def _once(self, placed: Placed, model: str) -> None:
        kind = "model_config" if isinstance(placed, PlacedConfig) else "deployment"
        first = self._seen.setdefault((kind, model), placed)
        if first is not placed:
            at = first.fault("").at
            raise Wrong(placed.fault(f"model {model!r} has a {kind} already, at {at}"))

    def _safe_name(self, placed: Placed) -> str | None:
        """The model of another document, whose own faults are told in its own turn."""
        try:
            return self._name(placed)
        except Wrong:
            return None
