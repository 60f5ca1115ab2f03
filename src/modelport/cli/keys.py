"""`modelport keys`: make, list and revoke API keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import options
from modelport.errors import NotFound, SettingsError

if TYPE_CHECKING:
    from modelport.core.access import KeyEntry, Priority, Rate

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")
_file = click.option(
    "--file",
    type=options.path,
    default=Path("keys.json"),
    help="The key file; `modelport serve --keys` watches it.",
)


@click.group("keys")
def group() -> None:
    """Make, list and revoke API keys."""


@group.command("create")
@click.option("--name", required=True, help="Who or what the key is for.")
@click.option(
    "--scope",
    multiple=True,
    required=True,
    help="infer:MODEL, infer:*, models:read, metrics or admin; repeatable.",
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
@options.as_json
def create(
    *,
    name: str,
    scope: tuple[str, ...],
    rate: str | None,
    expires: str | None,
    priority: Priority,
    file: Path,
    as_json: bool,
) -> None:
    """Make a key and show it once; only a hash of it is kept."""
    import secrets

    from modelport.core.access import make_key, parse_rate
    from modelport.serving.replica import access_file

    now = datetime.now(UTC)
    text, entry = make_key(
        name,
        scope,
        random=secrets.randbelow,
        now=now.timestamp(),
        rate=parse_rate(rate) if rate else None,
        expires=parse_expiry(expires, now) if expires else None,
        priority=priority,
    )
    access_file.update(file, lambda keys: (*keys, entry))
    if as_json:
        _print_json({"key": text, **_public(entry)})
        return
    click.echo(text)
    click.echo(
        f"Key {entry.id} for {name!r} is in {file.name}. It is shown this once: keep it now.", err=True
    )


@group.command("list")
@_file
@options.as_json
def show(*, file: Path, as_json: bool) -> None:
    """List the keys; never their secrets."""
    from modelport.serving.replica import access_file

    keys = access_file.read(file).keys
    if as_json:
        _print_json([_public(entry) for entry in keys])
        return
    from modelport.cli.tables import print_table

    print_table(
        ("id", "name", "scopes", "rate", "created", "expires", "state"), [_cells(entry) for entry in keys]
    )


@group.command("revoke")
@click.argument("key_id", metavar="ID", help="The id of the key, or the key itself.")
@_file
def revoke(*, key_id: str, file: Path) -> None:
    """Revoke a key: running servers refuse it as soon as they see the file."""
    import msgspec

    from modelport.core.access import parse_key
    from modelport.serving.replica import access_file

    whole = parse_key(key_id)
    wanted = whole[0] if whole else key_id
    if wanted not in {entry.id for entry in access_file.read(file).keys}:
        msg = f"there is no key {wanted!r} in {file.name}"
        raise NotFound(msg, hint="`modelport keys list` shows the ids")
    access_file.update(
        file,
        lambda keys: tuple(
            msgspec.structs.replace(entry, revoked=True) if entry.id == wanted else entry for entry in keys
        ),
    )
    click.echo(f"Key {wanted} is revoked.")


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


def _public(entry: KeyEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "name": entry.name,
        "scopes": list(entry.scopes),
        "rate": _rate(entry.rate) or None,
        "created": _moment(entry.created),
        "expires": None if entry.expires is None else _moment(entry.expires),
        "revoked": entry.revoked,
    }


def _cells(entry: KeyEntry) -> tuple[str, ...]:
    public = _public(entry)
    return (
        entry.id,
        entry.name,
        " ".join(entry.scopes),
        str(public["rate"] or "-"),
        str(public["created"])[:10],
        str(public["expires"] or "never")[:10],
        "revoked" if entry.revoked else "valid",
    )


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return ""
    units = {1: "s", 60: "m", 3600: "h"}
    return f"{rate.quota}/{units.get(rate.window, f'{rate.window} s')}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_json(document: object) -> None:
    import msgspec

    click.echo(msgspec.json.encode(document))
