"""The only writer of what is wanted.

Each change is one transaction: the document as asked and as resolved, the deployment one generation on, and
the journal entry are all there, or none is. Asking twice for the same changes nothing. What is wanted is
carried out by the reconciler, which is woken after the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy.engine import Connection

from modelport.control import planner, transitions, wanted
from modelport.control.store import configurations, deployments, rollouts
from modelport.control.store.deployments import Kept
from modelport.control.wanted import Asked
from modelport.core import faults
from modelport.core.clock import Clock
from modelport.core.deployment import Deployment, DeploymentSpec, ModelConfig
from modelport.core.ready import ready
from modelport.core.records import Version
from modelport.core.rollout import ENDED, Wish
from modelport.core.sights import Configuration
from modelport.db import journal
from modelport.db.connect import Database
from modelport.db.journal import Author
from modelport.errors import Conflict, NotFound, PreconditionFailed

T = TypeVar("T")


class Versions(Protocol):
    """What is needed of the registry."""

    def version(self, project: str, model: str, ref: str) -> Version:
        """The version that people mean by `ref`; raises `NotFound`."""
        ...


class Turn(msgspec.Struct, frozen=True):
    """One change: in which transaction, on whose behalf, and when.

    `registered` looks versions of a project up, given as (model, number).
    """

    connection: Connection
    author: Author
    at: float
    registered: Callable[[str, Iterable[tuple[str, int]]], Iterable[Version]]

    def note(self, action: str, resource: str, detail: dict[str, Any]) -> None:
        """Tell the journal of it, in the same transaction."""
        journal.append(self.connection, self.author, action, resource, at=self.at, detail=detail)


class Service:
    """Changes what is wanted. Thread-safe; every method blocks until the change is on disk.

    Args:
        wake: called after each change.
    """

    def __init__(
        self, database: Database, versions: Versions, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._database = database
        self._versions = versions
        self._clock = clock
        self._wake = wake

    def want(self, author: Author, asked: Sequence[Asked]) -> bool:
        """Carry out documents, all or none; whether anything changed."""
        changed = self._write(lambda to: [_ask(self._turn(to, author), each) for each in asked])
        return any(changed)

    def deploy(self, author: Author, endpoint: str, version: str) -> Deployment:
        """Bring a version by the strategy that the endpoint has; `direct` when it has none."""
        return self._bring(author, "deploy", endpoint, version, wanted.towards)

    def activate(self, author: Author, endpoint: str, version: str) -> Deployment:
        """Bring a version with the strategy `direct`."""
        return self._bring(author, "activate", endpoint, version, wanted.direct)

    def delete(self, author: Author, endpoint: str, *, generation: int | None = None) -> None:
        """Stop serving it.

        Raises `NotFound`, or `PreconditionFailed` when it has another generation than it must have.
        """

        def work(connection: Connection) -> None:
            known = found(connection, author.project, endpoint, lock=True).deployment
            if generation is not None and known.generation != generation:
                msg = f"deployment {endpoint!r} has changed: its generation is {known.generation}"
                raise PreconditionFailed(msg, code="deployment-changed", hint="look at it again, then decide")
            deployments.remove(connection, author.project, endpoint)
            detail = {"generation": known.generation, "live": known.live}
            self._turn(connection, author).note("deployment.delete", endpoint, detail)

        self._write(work)

    def ask(self, author: Author, endpoint: str, wish: Wish) -> None:
        """Note what a person asks of a rollout; the next pass carries it out, whatever the evidence says.

        A later wish takes the place of one that is not carried out yet. Raises `NotFound`, or `Conflict`
        (`no-rollout`) when nothing is under way that it could be about.
        """

        def work(connection: Connection) -> None:
            kept = found(connection, author.project, endpoint, lock=True)
            _refuse_vain(connection, kept, wish)
            deployments.put(
                connection, msgspec.structs.replace(kept, active=True, wish=wish, wished_by=author.actor)
            )
            detail = {"rollout": kept.deployment.rollout}
            self._turn(connection, author).note(f"rollout.{wish}", endpoint, detail)

        self._write(work)

    def _bring(
        self,
        author: Author,
        command: str,
        endpoint: str,
        version: str,
        make: Callable[[Deployment | None, str, int], DeploymentSpec],
    ) -> Deployment:
        number = self._versions.version(author.project, endpoint, version).number

        def work(connection: Connection) -> Deployment:
            turn = self._turn(connection, author)
            kept = deployments.get(connection, author.project, endpoint, lock=True)
            known = kept.deployment if kept else None
            asked = Asked("deployment", endpoint, {command: version}, make(known, endpoint, number))
            return _bring(turn, f"deployment.{command}", kept, asked)

        return self._write(work)

    def _turn(self, connection: Connection, author: Author) -> Turn:
        return Turn(connection, author, self._clock.now(), self._registered)

    def _registered(self, project: str, named: Iterable[tuple[str, int]]) -> Iterable[Version]:
        return [self._versions.version(project, model, str(number)) for model, number in named]

    def _write(self, work: Callable[[Connection], T]) -> T:
        result = self._database.write(work)
        faults.point("service.written")
        self._wake()
        return result


def found(connection: Connection, project: str, endpoint: str, *, lock: bool = False) -> Kept:
    """The deployment of an endpoint; raises `NotFound` (`no-such-deployment`)."""
    kept = deployments.get(connection, project, endpoint, lock=lock)
    if kept is None:
        msg = f"nothing is deployed as {endpoint[:100]!r}"
        raise NotFound(msg, code="no-such-deployment", hint=f"modelport deploy {endpoint[:100]}:1")
    return kept


def follow(turn: Turn, kept: Kept, version: int) -> Deployment:
    """Bring the version that the alias of a deployment points at now."""
    deployment = kept.deployment
    spec = wanted.moved(deployment.spec, deployment.live, version)
    document = {"alias": spec.follows, "version": version}
    return _bring(turn, "deployment.follow", kept, Asked("deployment", spec.endpoint, document, spec))


def _bring(turn: Turn, action: str, kept: Kept | None, asked: Asked) -> Deployment:
    """Want a spec. Asked again for a version that an earlier rollout did not bring, it begins anew."""
    known = kept.deployment if kept else None
    wants = _next(turn, known, asked)
    assert wants is not None  # a spec was given
    if known is not None and wants is known:
        if known.live == known.spec.candidate or not _is_over(turn.connection, known):
            return known
        wants = msgspec.structs.replace(known, generation=known.generation + 1)
    return _keep(turn, action, kept, asked, wants)


def _ask(turn: Turn, asked: Asked) -> bool:
    """Carry out one document; whether it changed anything."""
    project = turn.author.project
    kept = deployments.get(turn.connection, project, asked.name, lock=True)
    known = kept.deployment if kept else None
    wants = _next(turn, known, asked)
    if wants is known:
        given = msgspec.to_builtins(asked.resolved)
        if (
            wants is not None
            or configurations.resolved(turn.connection, project, asked.kind, asked.name) == given
        ):
            return False
    if wants is None:
        _configure(turn, "deployment.apply", asked, {})
        return True
    _keep(turn, "deployment.apply", kept, asked, wants)
    return True


def _next(turn: Turn, known: Deployment | None, asked: Asked) -> Deployment | None:
    """What is wanted after what was asked; None for a config of what is not deployed."""
    project, resolved = turn.author.project, asked.resolved
    if isinstance(resolved, ModelConfig):
        return wanted.next_deployment(known, project, asked.name, config=resolved)
    config = _waiting_config(turn.connection, project, asked.name) if known is None else None
    return wanted.next_deployment(known, project, asked.name, spec=resolved, config=config)


def _keep(turn: Turn, action: str, kept: Kept | None, asked: Asked, wants: Deployment) -> Deployment:
    """Write what is wanted now: configuration, deployment, journal entry."""
    _check_contracts(turn, wants)
    stamped = msgspec.structs.replace(wants, updated=turn.at, updated_by=turn.author.actor)
    row = msgspec.structs.replace(kept, deployment=stamped, active=True) if kept else Kept(stamped)
    deployments.put(turn.connection, row)
    faults.point("service.deployed")
    _configure(turn, action, asked, {"generation": stamped.generation})
    return stamped


def _check_contracts(turn: Turn, wants: Deployment) -> None:
    """Refuse versions that callers of one endpoint could not call alike; raises `Conflict`, `NotFound`."""
    named = {wants.spec.candidate, wants.live, *(arm.version for arm in wants.spec.arms)}
    numbers = sorted(number for number in named if number is not None)
    planner.check_contracts(turn.registered(wants.project, [(wants.endpoint, each) for each in numbers]))


def _configure(turn: Turn, action: str, asked: Asked, detail: dict[str, Any]) -> None:
    """Keep the next version of a configuration, and tell the journal."""
    note = Configuration(asked.kind, asked.name, 0, asked.document, turn.at, turn.author.actor)
    version = configurations.add(turn.connection, turn.author.project, note, asked.resolved).version
    faults.point("service.configured")
    resolved = msgspec.to_builtins(asked.resolved)
    turn.note(action, asked.name, {**detail, "kind": asked.kind, "version": version, "resolved": resolved})
    faults.point("service.noted")


def _waiting_config(connection: Connection, project: str, endpoint: str) -> ModelConfig | None:
    """What was configured before anything was deployed."""
    known = configurations.resolved(connection, project, "model_config", endpoint)
    return msgspec.convert(known, ready(ModelConfig)) if known is not None else None


def _is_over(connection: Connection, deployment: Deployment) -> bool:
    """Whether its last rollout came to an end."""
    kept = rollouts.get(connection, deployment.project, deployment.rollout)
    return kept is not None and kept.rollout.phase in ENDED


def _refuse_vain(connection: Connection, kept: Kept, wish: Wish) -> None:
    """Refuse a wish that nothing could come of; after one that still waits, another may."""
    endpoint = kept.deployment.endpoint
    last = rollouts.get(connection, kept.deployment.project, kept.deployment.rollout)
    if last is None or last.rollout.phase in ENDED:
        msg = f"no rollout of {endpoint!r} is under way: there is nothing to {wish}"
        raise Conflict(msg, code="no-rollout", hint=f"modelport deploy {endpoint}:VERSION begins one")
    possible = transitions.wishes(last.rollout)
    if kept.wish is None and wish not in possible:
        msg = f"the rollout of {endpoint!r} is {last.rollout.phase}: there is nothing to {wish}"
        raise Conflict(msg, code="no-rollout", hint=f"possible now: {', '.join(sorted(possible))}")
