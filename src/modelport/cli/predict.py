"""`modelport predict`: rows in, answers out, over HTTP."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
from click.exceptions import Exit

from modelport.cli import options
from modelport.errors import Forbidden, InvalidInput, NotFound, SettingsError

if TYPE_CHECKING:
    from modelport.cli.answers import Count
    from modelport.cli.rows import Taken
    from modelport.client import Client

_LONG = 256 * 1024
_DEFAULT = "http://127.0.0.1:8000"


@click.command("predict")
@click.argument("model", help="A model, or one version of it as churn:2.")
@click.option(
    "--input",
    "file",
    type=options.path,
    help="Rows: .csv, .tsv, .json, .jsonl or .txt; or one picture. Default: stdin.",
)
@click.option("--json", "document", help="One item, or a list of items, as JSON.")
@click.option("--format", "form", help="csv, tsv, json, jsonl, text or image; else told by name.")
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    help="table or json; default: a table on a terminal, else one JSON object a line.",
)
@click.option("--probabilities", is_flag=True, help="Ask for probabilities.")
@click.option("--user", help="Keeps a user on one version of a split.")
@click.option("--batch", type=click.IntRange(1), default=256, help="Items per request.")
@click.option(
    "--timeout",
    type=options.Number(0.001),
    default=30.0,
    help="Seconds per request, retries included.",
)
@click.option(
    "--url",
    envvar="MODELPORT_URL",
    show_envvar=True,
    help="Address of the server; default: that of `modelport up` in this folder, else http://127.0.0.1:8000.",
)
@click.option("--key", envvar="MODELPORT_KEY", show_envvar=True, help="API key.")
@click.option(
    "--ca",
    type=options.path,
    envvar="MODELPORT_CA",
    show_envvar=True,
    help="Authorities that may vouch for the server, PEM; default: the usual ones.",
)
@click.option(
    "--client-cert", type=options.path, help="Certificate to show to the server, PEM; with --client-key."
)
@click.option("--client-key", type=options.path, help="Private key of --client-cert, PEM.")
def command(
    *,
    model: str,
    file: Path | None,
    document: str | None,
    form: str | None,
    output: str | None,
    probabilities: bool,
    user: str | None,
    batch: int,
    timeout: float,
    url: str | None,
    key: str | None,
    ca: Path | None,
    client_cert: Path | None,
    client_key: Path | None,
) -> None:
    """Ask a served model for predictions. Ends with 1 when some items were refused."""
    from modelport.cli import answers, sieve
    from modelport.client import Client
    from modelport.client.control.place import predictions

    if file is not None and document is not None:
        msg = "both --input and --json bring items"
        raise InvalidInput(msg, hint="give one of them")
    with ExitStack() as stack:
        pair = _pair(client_cert, client_key)
        url = url or predictions() or _DEFAULT
        client = stack.enter_context(Client(url, key, timeout=timeout, verify=ca or True, cert=pair))
        items = _streamed(stack, client, model, file, form) if document is None else _given(document)
        parameters = {"return_probabilities": True} if probabilities else None
        ask = partial(client.predict_many, model, batch=batch, parameters=parameters, user_id=user)
        count = answers.print_all(sieve.answered(items, ask), table=_wants_table(output))
    _conclude(count)


def _pair(cert: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    if cert is not None and key is not None:
        return cert, key
    if cert is None and key is None:
        return None
    msg = "a certificate of the client comes with its private key"
    raise SettingsError(msg, code="tls-incomplete", hint="--client-cert cert.pem --client-key key.pem")


def _conclude(count: Count) -> None:
    """Say on standard error what the answers alone do not show; ends with 1 when items were refused."""
    if not count.all:
        click.echo("there were no items", err=True)
    if count.refused:
        click.secho(f"items refused: {count.refused} of {count.all}", fg="yellow", err=True)
        raise Exit(1)


def _given(document: str) -> Iterator[object]:
    """Items of an argument."""
    from modelport.cli import rows

    return rows.read(io.BytesIO(document.encode()), "json", rows.Taken())


def _streamed(
    stack: ExitStack, client: Client, model: str, file: Path | None, form: str | None
) -> Iterator[object]:
    """Items of a file or of standard input."""
    from modelport.cli import rows

    if file is None and sys.stdin.isatty():
        click.echo("reading items from standard input, up to Ctrl-D", err=True)
    stream = sys.stdin.buffer if file is None else _opened(stack, file)
    if not form:
        form = rows.sniff(_peek(stream)) if file is None else rows.format_of(file.suffix)
    return rows.read(stream, form, _taken(client, model) if form in {"csv", "tsv"} else rows.Taken())


def _taken(client: Client, model: str) -> Taken:
    """What the server says an item of the model is."""
    from modelport.cli import rows
    from modelport.core.names import parse_ref

    try:
        schemas = client.openapi()["components"]["schemas"]
    except Forbidden:
        click.echo(
            "this key may not read what the model takes (scope models:read): guessing from the file", err=True
        )
        return rows.Taken()
    schema = schemas.get(f"{parse_ref(model).name}.Item")
    if schema is None:
        msg = f"there is no model {model!r}"
        served = sorted(name.removesuffix(".Item") for name in schemas if name.endswith(".Item"))
        raise NotFound(msg, hint=f"served here: {', '.join(served) or 'none yet'}")
    return rows.taken_by(schema)


def _opened(stack: ExitStack, file: Path) -> BinaryIO:
    """The file, behind a progress bar when it is long and somebody watches."""
    try:
        size = file.stat().st_size
        if size < _LONG or not sys.stderr.isatty():
            return stack.enter_context(file.open("rb"))
        from rich import progress
        from rich.console import Console

        bar = progress.open(file, "rb", description=file.name, console=Console(stderr=True), transient=True)
        return stack.enter_context(bar)
    except OSError as error:
        msg = f"cannot read {file.name!r}: {error.strerror}"
        raise InvalidInput(msg, code="no-such-file") from error


def _peek(stream: BinaryIO) -> bytes:
    """How standard input begins, without taking it away."""
    return stream.peek(64) if isinstance(stream, io.BufferedReader) else b""


def _wants_table(output: str | None) -> bool:
    return sys.stdout.isatty() if output is None else output == "table"
