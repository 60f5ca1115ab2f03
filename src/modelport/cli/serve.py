"""`modelport serve`: settings from the command line, then straight into the data plane.

Nothing else is imported: a serving container starts as fast as its models load.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelport.errors import SettingsError

if TYPE_CHECKING:
    from modelport.serving.settings import Limits


def command(
    bundles: Annotated[
        list[Path] | None,
        typer.Argument(help="Bundles, each its own model; same names are versions 1, 2, …."),
    ] = None,
    *,
    plan: Annotated[Path | None, typer.Option(help="Serve and watch a plan file instead of bundles.")] = None,
    split: Annotated[str, typer.Option(help="Shares of versions in percent, as churn:1=90,churn:2=10.")] = "",
    host: Annotated[
        str, typer.Option(help="Where to listen; anything but loopback needs --keys.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes any free port.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer; 0 is one per core.", min=0)] = 1,
    keys: Annotated[Path | None, typer.Option(help="Key file of `modelport keys`, watched.")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Host name to answer for, besides loopback; repeatable; * is all."),
    ] = None,
    queue_rows: Annotated[int, typer.Option(help="Most rows waiting per model and worker.", min=1)] = 4096,
    timeout: Annotated[float, typer.Option(help="Seconds for a request without a deadline.", min=0)] = 30.0,
    inline_seconds: Annotated[
        float, typer.Option(help="A batch predicted to cost less runs on the event loop.", min=0)
    ] = 200e-6,
    threads: Annotated[int, typer.Option(help="Threads that run batches, per worker.", min=1)] = 2,
    intra_op: Annotated[int, typer.Option(help="Threads inside one model session.", min=1)] = 1,
    drain_seconds: Annotated[float, typer.Option(help="Hard limit of a graceful stop.", min=0)] = 30.0,
    drain_delay: Annotated[float, typer.Option(help="Seconds to accept after readiness ends.", min=0)] = 0.0,
    telemetry: Annotated[bool, typer.Option(help="Counters and join records.")] = True,
    spool: Annotated[Path | None, typer.Option(help="Folder that keeps prediction events.")] = None,
    spool_bytes: Annotated[
        int, typer.Option(help="Most bytes that all workers together keep in the spool.")
    ] = 1_073_741_824,
    payload_share: Annotated[
        float, typer.Option(help="Share of requests whose payload is kept.", min=0, max=1)
    ] = 0.01,
    redact: Annotated[
        list[str] | None, typer.Option(help="Column whose values never reach the spool; repeatable.")
    ] = None,
    allow_python: Annotated[
        bool, typer.Option("--allow-python", help="Serve bundles that run code.")
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    access_log: Annotated[bool, typer.Option("--access-log", help="One log line per request.")] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="A limit, as json_bytes=8388608; repeatable. See the settings page."),
    ] = None,
) -> None:
    """Serve bundles over HTTP until interrupted."""
    from modelport.serving.settings import Settings, check

    settings = check(
        Settings(
            bundles=tuple(str(path) for path in bundles or ()),
            split=parse_split(split),
            plan=_text(plan),
            host=host,
            port=port,
            workers=workers,
            keys=_text(keys),
            allow_hosts=tuple(allow_host or ()),
            queue_rows=queue_rows,
            timeout=timeout,
            inline_seconds=inline_seconds,
            threads=threads,
            intra_op=intra_op,
            drain_seconds=drain_seconds,
            drain_delay=drain_delay,
            telemetry=telemetry,
            spool=_text(spool),
            spool_bytes=spool_bytes,
            payload_share=payload_share,
            redact=tuple(redact or ()),
            allow_python=allow_python,
            log_level=log_level,
            access_log=access_log,
            limits=parse_limits(limit or []),
        )
    )
    from modelport.serving.__main__ import main

    raise typer.Exit(main(settings))


def parse_split(text: str) -> dict[str, dict[int, int]]:
    """Read `churn:1=90,churn:2=10`; each model's shares make 100 percent. Raises `SettingsError`."""
    shares: dict[str, dict[int, int]] = {}
    for part in filter(None, text.split(",")):
        name, version, percent = _share(part)
        if version in shares.setdefault(name, {}):
            msg = f"{name}:{version} stands twice in the split"
            raise _bad_split(msg)
        shares[name][version] = percent
    for name, versions in shares.items():
        if sum(versions.values()) != 100:
            msg = f"the shares of {name!r} make {sum(versions.values())} %, not 100 %"
            raise _bad_split(msg)
    return shares


def parse_limits(texts: list[str]) -> Limits:
    """Read `json_bytes=8388608` and the like; raises `SettingsError` for a limit that there is not."""
    import msgspec

    from modelport.serving.settings import Limits

    pairs = dict(text.partition("=")[::2] for text in texts)
    try:
        return msgspec.convert(pairs, Limits, strict=False)
    except msgspec.ValidationError as error:
        msg = f"not a limit: {error}"
        names = ", ".join(Limits.__struct_fields__)
        raise SettingsError(msg, hint=f"write NAME=NUMBER, with one of {names}") from error


def _share(part: str) -> tuple[str, int, int]:
    from modelport.core.names import parse_ref

    text, _, percent = part.strip().partition("=")
    ref = parse_ref(text)
    if ref.version is None or not percent.isdecimal():
        msg = f"{part.strip()!r} is not a share"
        raise _bad_split(msg)
    return ref.name, ref.version, int(percent)


def _bad_split(message: str) -> SettingsError:
    return SettingsError(message, hint="write it as churn:1=90,churn:2=10")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
