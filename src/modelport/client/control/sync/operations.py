"""Keys, secrets, the journal, logs, replicas, the doctor, backups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from modelport.client.calls import Call, Progress
from modelport.client.control import build
from modelport.client.control.build import at
from modelport.client.control.sync import streams
from modelport.client.link import Link
from modelport.core.access import Priority
from modelport.core.pages import Page
from modelport.core.ready import ready
from modelport.core.records import Entry
from modelport.core.roles import KeySeen, MadeKey, Role
from modelport.core.sights import Check, LogLine, ReplicaSeen
from modelport.core.wishes import NewKey, SecretValue


class Keys:
    """Who may do what."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def create(
        self,
        name: str,
        *,
        role: Role = "service",
        scopes: Iterable[str] = (),
        rate: str | None = None,
        expires: float | None = None,
        priority: Priority = "interactive",
    ) -> MadeKey:
        """A new key; its text is shown this once. `rate` as `100/s`, `expires` in seconds since the epoch."""
        wish = NewKey(name, role, tuple(scopes), rate, expires, priority)
        return self._link.run(build.post(at("keys"), MadeKey, wish))

    def list(self) -> Iterator[KeySeen]:
        """Every key, without its secret."""

        def page(cursor: str | None) -> Call[Page[KeySeen]]:
            return build.get(at("keys"), Page[KeySeen], cursor=cursor)

        yield from streams.every(self._link, page)

    def revoke(self, id: str) -> None:  # noqa: A002 - the word of the contract
        """Refuse it from now on."""
        self._link.run(build.delete(at("keys", id)))


class Secrets:
    """Values that documents name as `secret://name`; they are never given back."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[str, ...]:
        """Their names."""
        return self._link.run(build.get(at("secrets"), tuple[str, ...]))

    def put(self, name: str, value: str) -> None:
        """Keep it, in place of a former one."""
        self._link.run(build.put(at("secrets", name), type(None), SecretValue(value)))

    def delete(self, name: str) -> None:
        """Forget it."""
        self._link.run(build.delete(at("secrets", name)))


class Audit:
    """The journal: who did what."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(
        self,
        *,
        since: float | None = None,
        actor: str | None = None,
        action: str | None = None,
        resource: str | None = None,
    ) -> Iterator[Entry]:
        """The newest first; `since` is in seconds since the epoch."""

        def page(cursor: str | None) -> Call[Page[Entry]]:
            return build.get(
                at("audit"),
                Page[Entry],
                since=since,
                actor=actor,
                action=action,
                resource=resource,
                cursor=cursor,
            )

        yield from streams.every(self._link, page)


class Logs:
    """Logs of the control plane and the replicas of its machine, by time."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def read(
        self, *, service: str | None = None, model: str | None = None, since: float | None = None
    ) -> tuple[LogLine, ...]:
        """What is there now."""
        call = build.get(at("logs"), tuple[LogLine, ...], service=service, model=model, since=since)
        return self._link.run(call)

    def follow(
        self, *, service: str | None = None, model: str | None = None, since: float | None = None
    ) -> Iterator[LogLine]:
        """What is there and what comes, without end."""
        call = build.events(at("logs"), service=service, model=model, since=since, follow=True)
        for event in streams.live(self._link, call):
            if event.kind == "line":
                yield msgspec.json.decode(event.data, type=ready(LogLine))


class Fleets:
    """Who answers predictions."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def replicas(self, fleet: str = "local") -> tuple[ReplicaSeen, ...]:
        """Every replica of a fleet that has reported."""
        return self._link.run(build.get(at("fleets", fleet, "replicas"), tuple[ReplicaSeen, ...]))


class Doctor:
    """Whether everything is as it should be."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def examine(self) -> tuple[Check, ...]:
        """Look, and change nothing."""
        return self._link.run(build.get(at("doctor"), tuple[Check, ...]), 300.0)

    def repair(self) -> tuple[Check, ...]:
        """Look, and mend what can be mended safely."""
        return self._link.run(build.post(at("doctor", "repair"), tuple[Check, ...]), 300.0)


class Backup:
    """All that must not be lost, as one file."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def save(self, to: str | Path, *, progress: Progress | None = None) -> Path:
        """A consistent tar archive, made while everything runs; there only when it is whole."""
        return streams.fetch(self._link, build.download("POST", at("backup")), Path(to), progress)
