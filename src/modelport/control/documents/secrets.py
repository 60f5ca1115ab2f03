"""Secrets in documents: a document names where a secret is, and never holds one.

A reference is resolved as late as it can be, into a value that hides itself from whatever prints it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, NoReturn

import msgspec

from modelport.errors import InvalidInput, NotFound

_REFERENCE = re.compile(r"\$\{(ENV|FILE):([^{}\n]{1,1000})\}|secret://([A-Za-z0-9][A-Za-z0-9._-]{0,99})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST = 64 * 1024


class Secret:
    """A value that nothing prints, compares in the open, pickles or encodes by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        msg = "a secret is not written anywhere"
        raise TypeError(msg)


class Reference(msgspec.Struct, frozen=True):
    """Where a secret is: `${ENV:NAME}`, `${FILE:path}` or `secret://name`."""

    source: Literal["ENV", "FILE", "STORE"]
    name: str

    def __str__(self) -> str:
        return f"secret://{self.name}" if self.source == "STORE" else f"${{{self.source}:{self.name}}}"


def reference(text: str) -> Reference:
    """The reference that a text is as a whole.

    Raises `InvalidInput` (`secret-reference`) for any other text: it may be the secret itself, so it is not
    repeated.
    """
    found = _REFERENCE.fullmatch(text)
    if found and found[3]:
        return Reference("STORE", found[3])
    if found and found[1] == "FILE":
        return Reference("FILE", found[2])
    if found and _NAME.fullmatch(found[2]):
        return Reference("ENV", found[2])
    hint = "write ${ENV:NAME}, ${FILE:path} or secret://name, so that no document holds a secret"
    msg = "a reference to a secret is expected here"
    raise InvalidInput(msg, code="secret-reference", hint=hint)


def resolve(
    wanted: Reference, environment: Mapping[str, str], stored: Callable[[str], Secret | None]
) -> Secret:
    """The secret that a reference names, as it is now; the end of a file's last line is not part of it.

    Raises `NotFound` (`secret-not-found`), which names the reference and never a value.
    """
    if wanted.source == "STORE":
        found = stored(wanted.name)
    elif wanted.source == "ENV":
        found = Secret(environment[wanted.name]) if wanted.name in environment else None
    else:
        found = _read(Path(wanted.name))
    if found is None:
        msg = f"there is no secret at {wanted}"
        raise NotFound(
            msg, code="secret-not-found", hint="set it where the control plane runs, or change the document"
        )
    return found


def _read(path: Path) -> Secret | None:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
        return Secret(content.decode().rstrip("\r\n")) if len(content) <= _MOST else None
    except (OSError, ValueError):
        return None
