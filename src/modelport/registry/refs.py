"""How people write a version: `2`, `v2`, `churn:2`, `model_v2`, `latest`, a digest, an alias, a label."""

from __future__ import annotations

import re

from modelport.errors import NameInvalid

LATEST = "latest"
_NUMBER = re.compile(r"v?([1-9][0-9]{0,8})")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def number_of(model: str, ref: str) -> int | None:
    """The number that `ref` is a spelling of; None for an alias, a label or a digest."""
    bare = ref
    for prefix in (f"{model}:", f"{model}_", "model_"):
        if ref.startswith(prefix):
            bare = ref.removeprefix(prefix)
            break
    if bare != ref and not prefix.endswith(":") and not bare.startswith("v"):
        return None
    found = _NUMBER.fullmatch(bare)
    return int(found[1]) if found else None


def digest_of(ref: str) -> str | None:
    """The digest that `ref` is a spelling of, in hex."""
    found = _DIGEST.fullmatch(ref)
    return found[1] if found else None


def name_of(model: str, ref: str) -> str:
    """The alias or label in `ref`: `champion` of `churn@champion`."""
    return ref.removeprefix(f"{model}@").removeprefix("@")


def check_free(model: str, name: str, what: str) -> str:
    """The name itself when it cannot be taken for a version; raises `NameInvalid`."""
    if name == LATEST or number_of(model, name) is not None or digest_of(name) is not None:
        msg = f"{name[:80]!r} names a version already, and cannot be {what}"
        raise NameInvalid(msg, hint="take a word such as champion, or a label such as 2.1.0")
    return name
