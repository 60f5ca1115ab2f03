"""What stands in queries."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from modelport.core.pages import MOST, USUAL
from modelport.errors import BadRequest

Limit = Annotated[int, Meta(ge=1, le=MOST, description="Most things on a page.")]
Cursor = Annotated[str, Meta(max_length=2000, description="`next` of the page before.")]
Seconds = Annotated[float, Meta(ge=0, description="Seconds since the epoch.")]
Text = Annotated[str, Meta(max_length=200)]


class Paged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A page of a list."""

    limit: Limit = USUAL
    cursor: Cursor | None = None


class FindModels(Paged, frozen=True):
    """Which models: `q` stands in the name or description, every `tag` is `key:value`."""

    q: Text = ""
    tag: tuple[Text, ...] = ()

    def tags(self) -> dict[str, str]:
        """By name; raises `BadRequest` (`bad-parameter`)."""
        found = dict(text.partition(":")[::2] for text in self.tag)
        if all(found) and all(":" in text for text in self.tag):
            return found
        msg = "a tag is written key:value"
        raise BadRequest(msg, code="bad-parameter")


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a bundle is registered, see `Registration`."""

    label: Text | None = None
    new_version: bool = False
    parent: Annotated[int, Meta(ge=1)] | None = None
    dataset: Text = ""
    training_run: Text = ""


class Between(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"before": "from", "after": "to"}
):
    """Two versions of something."""

    before: Text
    after: Text


class BetweenNumbers(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"before": "from", "after": "to"}
):
    """Two versions of a configuration."""

    before: Annotated[int, Meta(ge=1)]
    after: Annotated[int, Meta(ge=1)]


class Collect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dry_run` only tells."""

    dry_run: bool = False


class FindConfigurations(Paged, frozen=True):
    """Which configurations."""

    kind: Text | None = None
    name: Text | None = None


class Since(Paged, frozen=True):
    """From when on."""

    since: Seconds = 0.0


class FindEntries(Paged, frozen=True):
    """Which entries of the journal."""

    since: Seconds | None = None
    actor: Text | None = None
    action: Text | None = None
    resource: Text | None = None


class FindLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lines of the logs; `follow` goes on without end, as server-sent events."""

    service: Text | None = None
    model: Text | None = None
    since: Seconds | None = None
    follow: bool = False


class Poll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the replica has, and how many seconds it waits for another."""

    after: Text | None = None
    wait: Annotated[float, Meta(ge=0, le=600)] = 0.0


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where in a file the bytes belong."""

    offset: Annotated[int, Meta(ge=0)]
