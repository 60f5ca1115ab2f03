"""Keys, secrets, the journal."""

from __future__ import annotations

import msgspec

from modelport.api.call import Call
from modelport.api.operation import ADMIN, PUBLIC, Noun
from modelport.api.routes.queries import FindEntries, Paged
from modelport.core.names import check_name
from modelport.core.pages import Page
from modelport.core.records import Entry
from modelport.core.roles import KeySeen, MadeKey
from modelport.core.wishes import NewKey, SecretValue

noun = Noun("access")


class Bootstrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token that was printed at the first start."""

    token: str


@noun.operation("POST", "/bootstrap", PUBLIC, status=201, secret=True)
def bootstrap(call: Call, body: Bootstrap) -> MadeKey:
    """The first admin key, once, for whoever holds the token of the first start."""
    return call.platform.keys.bootstrap(body.token)


@noun.operation("GET", "/keys", ADMIN)
def list_keys(call: Call, query: Paged) -> Page[KeySeen]:
    """Keys of the project, without their secrets."""
    return call.platform.keys.list(call.project, limit=query.limit, cursor=query.cursor)


@noun.operation("POST", "/keys", ADMIN, status=201, secret=True)
def create_key(call: Call, body: NewKey) -> MadeKey:
    """Make a key; its text is shown this once."""
    return call.platform.keys.create(call.author, body)


@noun.operation("DELETE", "/keys/{id}", ADMIN, status=204)
def revoke_key(call: Call, id: str) -> None:  # noqa: A002 - the word of the contract
    """Refuse a key from now on."""
    call.platform.keys.revoke(call.author, id)


@noun.operation("GET", "/secrets", ADMIN)
def list_secrets(call: Call) -> tuple[str, ...]:
    """Names of secrets; their values are never given back."""
    return call.platform.secrets.names(call.project)


@noun.operation("PUT", "/secrets/{name}", ADMIN, status=204)
def put_secret(call: Call, name: str, body: SecretValue) -> None:
    """Keep a secret, in place of a former one."""
    call.platform.secrets.put(call.author, check_name(name, "secret"), body.value)


@noun.operation("DELETE", "/secrets/{name}", ADMIN, status=204)
def delete_secret(call: Call, name: str) -> None:
    """Forget a secret."""
    call.platform.secrets.delete(call.author, name)


@noun.operation("GET", "/audit", ADMIN)
def list_entries(call: Call, query: FindEntries) -> Page[Entry]:
    """The journal: who did what, the newest first."""
    return call.platform.journal.entries(
        call.project,
        since=query.since,
        actor=query.actor,
        action=query.action,
        resource=query.resource,
        limit=query.limit,
        cursor=query.cursor,
    )
