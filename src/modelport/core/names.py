"""Names people type: `churn`, `churn:3`, `churn@champion`, `churn@sha256:…`."""

from __future__ import annotations

import re

import msgspec

from modelport.errors import NameInvalid

PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$"
"""Names for documents that describe them; `..` is in none, which patterns cannot say well."""
_NAME = re.compile(PATTERN)
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class ModelRef(msgspec.Struct, frozen=True):
    """A model, and at most one of: version number, alias, bundle digest."""

    name: str
    version: int | None = None
    alias: str | None = None
    digest: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"{self.name}:{self.version}"
        if self.alias or self.digest:
            return f"{self.name}@{self.alias or self.digest}"
        return self.name


def check_name(name: str, what: str = "model") -> str:
    """The name itself when it is one we accept; raises `NameInvalid` otherwise.

    Letters, digits, `.`, `_` and `-`, at most 100, beginning and ending with a letter or digit, no `..`:
    safe as a path part, a URL part, a metric label and (lower-cased) a host label.
    """
    if is_name(name):
        return name
    msg = f"{name[:120]!r} is not a valid {what} name"
    raise NameInvalid(
        msg, hint="use letters, digits, '.', '_' and '-', at most 100, ends in a letter or digit"
    )


def is_name(text: str) -> bool:
    """Whether `check_name` accepts it: what is no name cannot be the name of anything that is there."""
    return bool(_NAME.fullmatch(text)) and ".." not in text


def parse_ref(text: str) -> ModelRef:
    """Read `name`, `name:version`, `name@alias` or `name@sha256:…`; raises `NameInvalid`."""
    name, at, pointer = text.partition("@")
    if at:
        return _pointed(check_name(name), pointer)
    name, colon, version = text.partition(":")
    if not colon:
        return ModelRef(check_name(name))
    if not _VERSION.fullmatch(version):
        msg = f"{version[:40]!r} is not a version number"
        raise NameInvalid(msg, hint="versions count 1, 2, 3, as in churn:2")
    return ModelRef(check_name(name), version=int(version))


def _pointed(name: str, pointer: str) -> ModelRef:
    if _DIGEST.fullmatch(pointer):
        return ModelRef(name, digest=pointer)
    return ModelRef(name, alias=check_name(pointer, "alias"))
