"""Where things lie in a store, and the URL of an artifact. No word of a caller becomes a path unchecked."""

from __future__ import annotations

import re

from modelport.core.names import check_name
from modelport.errors import NameInvalid, SettingsError

ARTIFACTS = "sha256"
_ENDING = ".bundle"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ARTIFACT = re.compile(rf"(?P<store>.+)/{ARTIFACTS}/[0-9a-f]{{2}}/(?P<digest>[0-9a-f]{{64}}){_ENDING}")


def place(digest: str) -> str:
    """`sha256/ab/abcdef….bundle`: where an artifact lies. Raises `NameInvalid` for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        msg = f"{digest[:80]!r} is not a SHA-256"
        raise NameInvalid(msg, code="invalid-digest", hint="a digest is 64 of the characters 0-9 and a-f")
    return f"{ARTIFACTS}/{digest[:2]}/{digest}{_ENDING}"


def digest_at(path: str) -> str | None:
    """The digest of the artifact that lies at `path` in a store; None where no artifact does."""
    name = path.rpartition("/")[2].removesuffix(_ENDING)
    return name if _DIGEST.fullmatch(name) and place(name) == path else None


def document(name: str) -> str:
    """The name itself when a document may have it. Raises `NameInvalid`."""
    parts = name.split("/")
    for part in parts:
        check_name(part, "document")
    if parts[0] == ARTIFACTS:
        msg = f"{name[:80]!r} is where artifacts lie"
        raise NameInvalid(msg, hint="give the document another name")
    return name


def artifact_url(store: str, digest: str) -> str:
    """The URL of an artifact: what a serving plan names as a slot's bundle."""
    return f"{store}/{place(digest)}"


def parse_artifact(url: str) -> tuple[str, str]:
    """The store's URL and the digest in an artifact's URL. Raises `SettingsError` (`bad-store`)."""
    found = _ARTIFACT.fullmatch(url)
    if found is None or not url.endswith(place(found["digest"])):
        msg = f"{url[:120]!r} is not the URL of an artifact"
        raise SettingsError(msg, code="bad-store", hint="as in file:///models/sha256/ab/abcdef….bundle")
    return found["store"], found["digest"]
