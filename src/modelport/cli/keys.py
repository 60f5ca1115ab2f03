"""`modelport keys`: make, list and revoke API keys, of a control plane or in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.errors import SettingsError

if TYPE_CHECKING:
    from modelport.cli.keyfile import FileKeys
    from modelport.client.control.sync.operations import Keys
    from modelport.core.access import Priority, Rate
    from modelport.core.roles import KeySeen, Role

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")
_file = click.option(
    "--file",
    type=options.path,
    help="A key file that `modelport serve --keys` watches; default: the keys of the control plane.",
)


@click.group("keys")
def group() -> None:
    """Make, list and revoke API keys."""


@group.command("create")
@click.option("--name", required=True, help="Who or what the key is for.")
@click.option(
    "--scope", multiple=True, help="infer:MODEL, infer:*, models:read, metrics or admin; repeatable."
)
@click.option(
    "--role",
    type=click.Choice(["service", "viewer", "operator", "admin"]),
    default="service",
    help="service may do what its scopes say; the others are for people at the control plane.",
)
@click.option("--rate", help="The key's own limit, as 100/s, 6000/m or 10000/h.")
@click.option(
    "--priority",
    type=click.Choice(["interactive", "batch"]),
    default="interactive",
    help="batch is refused first under load.",
)
@click.option("--expires", help="A date (2027-01-31) or days from now (90d).")
@_file
@plane.reachable
@options.as_json
def create(
    *,
    reach: plane.Reach,
    name: str,
    scope: tuple[str, ...],
    role: Role,
    rate: str | None,
    expires: str | None,
    priority: Priority,
    file: Path | None,
    as_json: bool,
) -> None:
    """Make a key and show it once; only a hash of it is kept."""
    from modelport.cli.output import print_json

    if role == "service" and not scope:
        msg = "A key of the role service needs a --scope."
        raise click.UsageError(msg)
    until = parse_expiry(expires, datetime.now(UTC)) if expires else None
    with _keys(file, reach) as keys:
        made = keys.create(name, role=role, scopes=scope, rate=rate, expires=until, priority=priority)
    if as_json:
        print_json({"key": made.key, **_public(made.seen)})
        return
    click.echo(made.key)
    where = f"in {file.name}" if file else "made"
    click.echo(f"Key {made.seen.id} for {name!r} is {where}. It is shown this once: keep it now.", err=True)


@group.command("list")
@_file
@plane.reachable
@options.as_json
def show(*, reach: plane.Reach, file: Path | None, as_json: bool) -> None:
    """List the keys; never their secrets."""
    from modelport.cli.output import print_json
    from modelport.cli.tables import print_table

    with _keys(file, reach) as keys:
        found = list(keys.list())
    if as_json:
        print_json([_public(each) for each in found])
        return
    print_table(
        ("id", "name", "role", "scopes", "rate", "created", "expires", "state"),
        [_cells(each) for each in found],
    )


@group.command("revoke")
@click.argument("key_id", metavar="ID", help="The id of the key, or the key itself.")
@_file
@plane.reachable
def revoke(*, reach: plane.Reach, key_id: str, file: Path | None) -> None:
    """Revoke a key: it is refused from the next look at the keys on."""
    from modelport.core.access import parse_key

    whole = parse_key(key_id)
    wanted = whole[0] if whole else key_id
    with _keys(file, reach) as keys:
        keys.revoke(wanted)
    click.echo(f"Key {wanted} is revoked.")


@contextmanager
def _keys(file: Path | None, reach: plane.Reach) -> Iterator[FileKeys | Keys]:
    """The keys that are meant, with the same methods wherever they are."""
    if file is not None:
        from modelport.cli.keyfile import FileKeys

        yield FileKeys(file)
        return
    with reach() as control:
        yield control.keys


def parse_expiry(text: str, now: datetime) -> float:
    """Read `90d` or `2027-01-31` (its end, UTC) as seconds since the epoch; raises `SettingsError`."""
    if found := _DAYS.fullmatch(text):
        return now.timestamp() + int(found[1]) * 86_400
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        msg = f"{text!r} is not a date"
        raise SettingsError(msg, hint="write 2027-01-31, or 90d for days from now") from error
    if day < now.replace(hour=0, minute=0, second=0, microsecond=0):
        msg = f"{text} is past"
        raise SettingsError(msg, hint="a key expires in the future")
    return day.timestamp() + 86_400


def _public(key: KeySeen) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "scopes": list(key.scopes),
        "rate": _rate(key.rate) or None,
        "created": _moment(key.created),
        "expires": None if key.expires is None else _moment(key.expires),
        "revoked": key.revoked,
        "last_used": None if key.last_used is None else _moment(key.last_used),
    }


def _cells(key: KeySeen) -> tuple[str, ...]:
    public = _public(key)
    return (
        key.id,
        key.name,
        key.role,
        " ".join(key.scopes),
        str(public["rate"] or "-"),
        str(public["created"])[:10],
        str(public["expires"] or "never")[:10],
        "revoked" if key.revoked else "valid",
    )


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return ""
    units = {1: "s", 60: "m", 3600: "h"}
    return f"{rate.quota}/{units.get(rate.window, f'{rate.window} s')}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
