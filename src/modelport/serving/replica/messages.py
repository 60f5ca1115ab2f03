"""What the supervisor and its workers say to each other: msgpack frames, never pickle.

A frame is a 4-byte little-endian length and a msgpack map with a `type`.

    supervisor -> worker    Missing(paths)  Prepare(plan)  Commit(revision, endpoints)  Access(snapshot)
                            Credentials(chain, key)  Listen()  Drain(seconds)
    worker -> supervisor    Hello(pid)  Prepared(revision, slots)  Committed(revision, endpoints)
                            Told(troubles)  Drained()

A worker prepares a revision (loads, warms) while it goes on serving the last one; the supervisor commits
endpoints when every worker has their slots ready, so all workers switch to the same thing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelport.core.access import AccessSnapshot
from modelport.core.fleet import ShadowSeen, Trouble
from modelport.core.plan import Revision, ServingPlan, SlotSpec

SlotState = Literal["wanted", "fetching", "loading", "warming", "verified", "ready", "failed", "draining"]


class SlotReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """State of one slot in one worker. `contract` is the digest of its signature once known.

    A lazy slot is `verified` when its bundle is whole on this disk, loaded or not.
    """

    state: SlotState
    reason: str = ""
    contract: str = ""
    identity: str = ""


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Make this plan ready. `places` gives every slot id its index in the shared segment."""

    plan: ServingPlan
    places: dict[str, int]


class Missing(msgspec.Struct, frozen=True, tag="missing"):
    """Bundles that are not on this machine yet, by path, and why; without a reason one is on its way."""

    paths: dict[str, str]


class Commit(msgspec.Struct, frozen=True, tag="commit"):
    """Switch these endpoints to the prepared revision; endpoints that the plan no longer has go."""

    revision: Revision
    endpoints: tuple[str, ...]


class Access(msgspec.Struct, frozen=True, tag="access"):
    """Who may do what from now on. `places` gives every limited key its index in the shared segment."""

    snapshot: AccessSnapshot | None
    places: dict[str, int]


class Credentials(msgspec.Struct, frozen=True, tag="credentials"):
    """What to show to clients over TLS from now on, as PEM. An empty `client_ca` asks for none of theirs.

    They travel as bytes, so that a successor has the last good ones whatever the files hold meanwhile.
    """

    chain: bytes
    key: bytes
    client_ca: bytes = b""


class Listen(msgspec.Struct, frozen=True, tag="listen"):
    """You can answer all that this replica answers: accept connections."""


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Turn unready, go on accepting for `delay` seconds, then finish what is there; gone within `seconds`.

    Connections without a request stay open for `grace` seconds more: a caller about to send one should rather
    be told with its answer that the connection closes.
    """

    delay: float
    seconds: float
    grace: float = 0.2


class Door(msgspec.Struct, frozen=True, array_like=True):
    """Where a model host lets workers in: its socket, and its row of the board."""

    address: bytes
    row: int


HostState = Literal["starting", "ready", "crash-loop", "failed", "gone"]


class Hosting(msgspec.Struct, frozen=True, tag="hosting"):
    """How a slot is hosted now; said to every worker whenever that changes.

    Attributes:
        key: digest of the slot's spec.
        state: `starting` until there is a host, and again while its successor starts; `crash-loop` while
            there is none, because starting again does not help; `failed` when there never was one, and none
            comes; `gone` once no plan wants the slot.
        reason: why it is not ready.
        doors: the hosts that take calls.
        tallies: rows of the board that count for the slot.
        token: what lets a worker in.
        retry_after: seconds until the next start, in a crash loop.
        limit: what keeps it from more hosts than it has, when its load calls for more (`scaling.instances`).
    """

    key: str
    state: HostState
    reason: str = ""
    doors: tuple[Door, ...] = ()
    tallies: tuple[int, ...] = ()
    token: bytes = b""
    retry_after: float = 1.0
    limit: str = ""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A worker listens for messages."""

    pid: int


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """This slot needs a model host, unless it has one; `Hosting` answers."""

    slot: SlotSpec


class Prepared(msgspec.Struct, frozen=True, tag="prepared"):
    """How far a revision is; sent whenever a slot changes state."""

    revision: Revision
    slots: dict[str, SlotReport]


class Committed(msgspec.Struct, frozen=True, tag="committed"):
    """These endpoints answer with the revision now."""

    revision: Revision
    endpoints: tuple[str, ...]


class Told(msgspec.Struct, frozen=True, tag="told"):
    """What a worker knows beside what it counts; sent when it has changed, about once a second.

    Attributes:
        troubles: the last things that went wrong with models, oldest first.
        limits: what keeps slots from more instances than they have, by slot.
        shadows: what was compared.
    """

    troubles: tuple[Trouble, ...] = ()
    limits: dict[str, str] = {}
    shadows: tuple[ShadowSeen, ...] = ()


class Drained(msgspec.Struct, frozen=True, tag="drained"):
    """Nothing is left to answer; the worker is about to exit."""


Downward = Prepare | Missing | Commit | Access | Credentials | Listen | Drain | Hosting
Upward = Hello | Prepared | Committed | Drained | Wanted | Told


class Boot(msgspec.Struct, frozen=True):
    """What a worker process is started with (JSON in its first frame, so secrets never show in `ps`).

    Attributes:
        settings: JSON of `Settings`.
        worker: its index.
        incarnation: counts starts over the life of the replica; names its spool files.
        listen: inherited listening socket.
        waits: somebody else answers meanwhile, so nothing is accepted before `Listen`.
        segment: inherited shared segment, with the sizes it was made with.
        board: inherited board of the model hosts; negative where there is none.
    """

    settings: bytes
    worker: int
    incarnation: int
    listen: int
    segment: int
    workers: int
    slots: int
    keys: int
    waits: bool = False
    board: int = -1
