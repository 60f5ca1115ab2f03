"""One admitted call, as the functions of the API see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from modelport.core.roles import StoredKey
from modelport.db.journal import Author
from modelport.errors import BadRequest, PreconditionRequired

if TYPE_CHECKING:
    from starlette.requests import Request

    from modelport.api.ports import Platform
    from modelport.api.surroundings import Surroundings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """An answer that says more than its value: another status, or a tag for `If-Match`."""

    value: T
    status: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and what is around.

    Attributes:
        key: of the caller; None only where everyone may.
        request_id, address: for the journal.
    """

    request: Request
    surroundings: Surroundings
    key: StoredKey | None
    request_id: str
    address: str

    @property
    def platform(self) -> Platform:
        """Everything behind the API."""
        return self.surroundings.platform

    @property
    def project(self) -> str:
        """Where the caller is at home; he sees nothing else."""
        return self.key.project if self.key else "default"

    @property
    def author(self) -> Author:
        """On whose behalf something is written."""
        actor = self.key.entry.name if self.key else "nobody"
        return Author(actor, self.project, self.request_id, self.address)

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        return self.request.headers

    def expected(self, *, required: bool = False) -> int | None:
        """The revision that the thing must have: of `If-Match`; 0, not to be there, of `If-None-Match: *`.

        None when anything goes (`If-Match: *`, or neither unless `required`). Raises `BadRequest`
        (`bad-header`), `PreconditionRequired`.
        """
        match, none = self.headers.get("if-match"), self.headers.get("if-none-match")
        if match is None and none == "*":
            return 0
        if match is None and required:
            msg = "this is only done for callers who say what they have looked at"
            raise PreconditionRequired(msg, hint='send If-Match with its ETag, or "If-Match: *" for any')
        if match is None or match == "*":
            return None
        return _revision(match)


def _revision(tag: str) -> int:
    text = tag.removeprefix("W/").strip('"')
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    msg = f"{tag[:80]!r} is no ETag of ours"
    raise BadRequest(msg, code="bad-header", hint='If-Match takes the ETag of an answer, as "3"')
