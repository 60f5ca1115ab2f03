"""Aliases: movable names of versions."""

from __future__ import annotations

from modelport.api.call import Call, Made
from modelport.api.operation import OPERATOR, VIEWER, Noun
from modelport.core.records import Alias
from modelport.core.wishes import VersionWish

noun = Noun("aliases")


@noun.operation("GET", "/models/{model}/aliases", VIEWER)
def list_aliases(call: Call, model: str) -> tuple[Alias, ...]:
    """Aliases of a model."""
    return call.platform.registry.aliases(call.project, model)


@noun.operation("PUT", "/models/{model}/aliases/{alias}", OPERATOR)
def set_alias(call: Call, model: str, alias: str, body: VersionWish) -> Made[Alias]:
    """Point an alias at a version; `If-Match` with its revision moves it only if nobody else has."""
    expected = call.expected()
    moved = call.platform.registry.set_alias(call.author, model, alias, str(body.version), expected=expected)
    return Made(moved, tag=str(moved.revision))


@noun.operation("DELETE", "/models/{model}/aliases/{alias}", OPERATOR, status=204)
def delete_alias(call: Call, model: str, alias: str) -> None:
    """Delete an alias; its version stays."""
    call.platform.registry.delete_alias(call.author, model, alias, expected=call.expected())
