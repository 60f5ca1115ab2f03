"""What the supervisor and a model host say to each other, over the frames of `serving.channel`."""

from __future__ import annotations

import msgspec

from modelport.core.plan import SlotSpec


class HostBoot(msgspec.Struct, frozen=True):
    """What a host is started with.

    Attributes:
        settings: JSON of `Settings`.
        slot: what it serves.
        listen: inherited socket on which workers knock.
        board, row: inherited board, and the row in it that is the host's own.
        token: what a worker must say to be let in.
        log: inherited descriptor of the replica's log; standard output is the model's.
    """

    settings: bytes
    slot: SlotSpec
    listen: int
    board: int
    row: int
    token: bytes
    log: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded, answers its golden rows, and takes calls."""


class Unfit(msgspec.Struct, frozen=True, tag="unfit"):
    """The model cannot be served."""

    reason: str


class Retire(msgspec.Struct, frozen=True, tag="retire"):
    """Leave when the last worker has."""


FromHost = Ready | Unfit
ToHost = Retire
