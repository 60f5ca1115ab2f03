"""`modelport feedback`: what predictions turned out to be."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modelport.cli import control as plane
from modelport.cli import options
from modelport.cli.files import reading
from modelport.errors import SettingsError

if TYPE_CHECKING:
    from modelport.client.control import Control
    from modelport.core.sights import Taken
    from modelport.core.wishes import Truth

_BATCH = 1000


@click.command("feedback")
@click.option(
    "--file",
    type=options.path,
    required=True,
    help="CSV or JSON lines: prediction_id and actual; or user_id, prediction and actual.",
)
@click.option("--model", help="The model; default: the one there is.")
@plane.connected
@options.as_json
def command(*, control: Control, file: Path, model: str | None, as_json: bool) -> None:
    """Tell what was right. May be sent again, in any order, before its prediction is known or years later."""
    from modelport.cli.output import print_json

    name = model or _only_model(control)
    total = _sent(control, name, _truths(file))
    if as_json:
        print_json(total)
        return
    click.echo(f"{total.new:,} new, {total.corrections:,} corrections, {total.repeated:,} that were there")


def _only_model(control: Control) -> str:
    names = [model.name for model in islice(control.models.list(), 20)]
    if len(names) == 1:
        return names[0]
    msg = "it is not said which model the feedback is for"
    raise SettingsError(
        msg, code="no-model", hint=f"--model, one of: {', '.join(names) or 'none is registered'}"
    )


def _sent(control: Control, model: str, truths: Iterator[Truth]) -> Taken:
    from modelport.core.sights import Taken

    total = Taken()
    while batch := list(islice(truths, _BATCH)):
        taken = control.feedback.send_many(model, batch)
        total = Taken(
            total.new + taken.new, total.corrections + taken.corrections, total.repeated + taken.repeated
        )
    return total


def _truths(file: Path) -> Iterator[Truth]:
    """Every line of a file; raises `SettingsError` (`bad-feedback`) naming the line that is none."""
    from modelport.core.wishes import Truth

    with reading(file, "bad-feedback"), file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text) if file.suffix.lower() == ".csv" else _objects(text)
        for number, row in enumerate(rows, 2 if file.suffix.lower() == ".csv" else 1):
            yield Truth(**_checked(row, number))


def _objects(lines: Iterable[str]) -> Iterator[Any]:
    import msgspec

    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield msgspec.json.decode(line)
            except msgspec.DecodeError as error:
                raise _bad(number, f"it is not JSON: {error}") from error


def _checked(row: Any, number: int) -> dict[str, Any]:
    known = ("actual", "prediction_id", "user_id", "prediction")
    if not isinstance(row, dict):
        raise _bad(number, "it is no object")
    given = {name: row[name] for name in known if row.get(name) not in {None, ""}}
    if "actual" not in given:
        raise _bad(number, "it does not say `actual`")
    if "prediction_id" not in given and not {"user_id", "prediction"} <= given.keys():
        raise _bad(number, "it says neither `prediction_id` nor `user_id` with `prediction`")
    return given


def _bad(number: int, reason: str) -> SettingsError:
    return SettingsError(
        f"line {number} is no feedback: {reason}",
        code="bad-feedback",
        hint="columns prediction_id,actual; or user_id,prediction,actual",
    )
