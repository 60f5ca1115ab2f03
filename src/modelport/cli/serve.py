"""`modelport serve`: settings from the command line, then straight into the data plane.

Nothing else is imported: a serving container starts as fast as its models load.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from modelport.cli import options
from modelport.errors import SettingsError

if TYPE_CHECKING:
    from modelport.serving.settings import Limits, Settings

_count = click.IntRange(1)
_seconds = options.Number(0)


@click.command("serve")
@click.argument(
    "bundles",
    type=click.Path(),
    nargs=-1,
    help="Bundles, each its own model; same names are versions 1, 2, ….",
)
@click.option("--plan", type=click.Path(), help="Serve and watch a plan file instead of bundles.")
@click.option("--control", help="Join the fleet of the control plane at this URL instead.")
@click.option("--control-key", type=click.Path(), help="File with this replica's key for --control.")
@click.option(
    "--control-ca", type=click.Path(), help="Authorities that --control needs a certificate from, PEM."
)
@click.option(
    "--control-access/--no-control-access",
    default=True,
    help="Enforce the keys of the fleet; without, everyone on this machine is answered.",
)
@click.option("--fleet", default="local", help="Which fleet to join.")
@click.option("--replica", default="", help="Name of this replica in the fleet; else that of the machine.")
@click.option("--plan-url", help="The fleet's plan in the artifact store, should --control be away.")
@click.option(
    "--state",
    type=click.Path(),
    default=".modelport/replica",
    help="Folder for the last good plan and fetched bundles.",
)
@click.option(
    "--bundle-bytes",
    type=options.Bytes(),
    default=21_474_836_480,
    help="Most bytes of fetched bundles that no plan names.",
)
@click.option("--split", help="Shares of versions in percent, as churn:1=90,churn:2=10.")
@click.option("--shadow", help="Shares repeated at another version and compared, in percent, as churn:2=10.")
@click.option("--host", default="127.0.0.1", help="Where to listen; anything but loopback needs --keys.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="0 takes any free port.")
@click.option(
    "--workers", type=click.IntRange(0), default=1, help="Processes that answer; 0 is one per core."
)
@click.option("--keys", type=click.Path(), help="Key file of `modelport keys`, watched.")
@click.option("--tls-cert", type=click.Path(), help="Certificate chain for HTTPS, PEM; watched.")
@click.option("--tls-key", type=click.Path(), help="Private key of --tls-cert, PEM; watched.")
@click.option(
    "--tls-client-ca", type=click.Path(), help="Authorities that clients need a certificate from, PEM."
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    help="Host name to answer for, besides loopback; repeatable; * is all.",
)
@click.option("--queue-rows", type=_count, default=4096, help="Most rows waiting per model and worker.")
@click.option(
    "--queue-target", type=_seconds, default=1.0, help="Seconds callers should wait at most; over it, 503."
)
@click.option("--timeout", type=_seconds, default=30.0, help="Seconds for a request without a deadline.")
@click.option(
    "--batch-tokens", type=_count, default=16_384, help="Most tokens, padding included, in one batch."
)
@click.option(
    "--inline-seconds",
    type=_seconds,
    default=200e-6,
    help="A batch predicted to cost less runs on the event loop.",
)
@click.option("--threads", type=_count, default=2, help="Threads that run batches, per worker.")
@click.option("--intra-op", type=_count, default=1, help="Threads inside one model session.")
@click.option(
    "--scale", multiple=True, help="Instances of a model follow its load, as churn=1:4; repeatable."
)
@click.option(
    "--takeover",
    type=click.Path(),
    help="Unix socket at which a running replica hands its port to this one, and this one to the next.",
)
@click.option(
    "--max-requests", type=click.IntRange(0), default=0, help="Requests after which a worker is replaced."
)
@click.option(
    "--max-requests-jitter", type=click.IntRange(0), default=0, help="Up to so many more, at random."
)
@click.option(
    "--max-worker-memory",
    type=int,
    default=0,
    help="Bytes over which a worker gives up work, then is replaced.",
)
@click.option("--drain-seconds", type=_seconds, default=30.0, help="Hard limit of a graceful stop.")
@click.option("--drain-delay", type=_seconds, default=0.0, help="Seconds to accept after readiness ends.")
@click.option("--telemetry/--no-telemetry", default=True, help="Counters and join records.")
@click.option("--spool", type=click.Path(), help="Folder that keeps prediction events.")
@click.option(
    "--spool-bytes",
    type=int,
    default=1_073_741_824,
    help="Most bytes that all workers together keep in the spool.",
)
@click.option(
    "--payload-share",
    type=options.Number(0, 1),
    default=0.01,
    help="Share of requests whose payload is kept.",
)
@click.option("--redact", multiple=True, help="Column whose values never reach the spool; repeatable.")
@click.option("--memory", type=options.Bytes(), default=0, help="Bytes for loaded models; 0 is no limit.")
@click.option("--pin", multiple=True, help="Model, or model:version, that is never let go; repeatable.")
@click.option("--preload/--no-preload", default=True, help="Load what fits into --memory at the start.")
@click.option(
    "--unload-idle",
    type=_seconds,
    default=0.0,
    help="Let go of models not asked for so many seconds; 0 keeps them.",
)
@click.option(
    "--cache", type=options.Bytes(), default=0, help="Bytes for answers that may be given again; 0 is none."
)
@click.option(
    "--cache-ttl", type=_seconds, default=0.0, help="Seconds an answer may be given again; 0 is no limit."
)
@click.option(
    "--tuning/--no-tuning",
    default=True,
    help="Serve as `modelport tune` found best.",
)
@click.option("--allow-python", is_flag=True, help="Serve bundles that run code.")
@click.option("--device", default="cpu", help="Where models run: cpu, cuda:0 or tensorrt:0.")
@click.option(
    "--host-memory",
    type=options.Bytes(),
    default=0,
    help="Most memory of one model host; 0 is 80 % of the machine's.",
)
@click.option(
    "--host-call-seconds", type=_seconds, default=60.0, help="Longest time of one batch in a model host."
)
@click.option(
    "--host-start-seconds", type=_seconds, default=120.0, help="Longest time until a model host is ready."
)
@click.option(
    "--host-calls",
    type=click.IntRange(0),
    default=0,
    help="Replace a model host after so many calls; 0 keeps it.",
)
@click.option("--log-level", default="info", help="debug, info, warning or error.")
@click.option(
    "--log-file", type=click.Path(), help="File for the log, begun anew when full; default: stderr."
)
@click.option(
    "--log-bytes", type=options.Bytes(), default=16_777_216, help="Its size at which it is put aside."
)
@click.option("--log-kept", type=click.IntRange(0), default=4, help="How many of those are kept.")
@click.option("--access-log", is_flag=True, help="One log line per request.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    help="A limit, as json_bytes=8388608; repeatable. See the settings page.",
)
def command(
    *,
    split: str | None,
    shadow: str | None,
    scale: tuple[str, ...],
    limits: tuple[str, ...],
    **others: Any,
) -> None:
    """Serve bundles over HTTP until interrupted."""
    from modelport.serving.checks import check
    from modelport.serving.settings import Settings

    # Every other option has the name and the type of its setting; a test holds the two together.
    shares, repeated = parse_split(split or ""), parse_shares(shadow or "")
    lanes = parse_scale(scale)
    settings = check(
        Settings(split=shares, shadow=repeated, scale=lanes, limits=parse_limits(limits), **others)
    )
    settings = advised(settings, given(click.get_current_context()))
    from modelport.serving.__main__ import main

    raise Exit(main(settings))


def given(context: click.Context) -> set[str]:
    """Names of the options that were said, not left at their defaults."""
    default = click.core.ParameterSource.DEFAULT
    return {name for name in context.params if context.get_parameter_source(name) is not default}


def advised(settings: Settings, said: set[str]) -> Settings:
    """The settings with the workers and threads that the one bundle served advises, where none were said.

    Several bundles share them, so none of them decides. Raises `BundleError` as `advice` does.
    """
    if not settings.tuning or len(settings.bundles) != 1:
        return settings
    import os

    import msgspec

    from modelport.bundle.reader import open_bundle
    from modelport.core.tuning import fits
    from modelport.serving.plans.advice import advice

    with open_bundle(settings.bundles[0]) as bundle:
        found = advice(bundle)
    if found is None or not fits(found[1], len(os.sched_getaffinity(0))):
        return settings
    wanted = {name: getattr(found[1], name) for name in {"workers", "threads", "intra_op"} - said}
    return msgspec.structs.replace(settings, **wanted)


def parse_scale(texts: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Read `churn=1:4`: from one to four instances. Raises `SettingsError`."""
    known: dict[str, tuple[int, int]] = {}
    for text in texts:
        name, _, bounds = text.partition("=")
        least, _, most = bounds.partition(":")
        if not (name and least.isdecimal() and most.isdecimal()):
            msg = f"{text!r} is no scale"
            raise SettingsError(msg, code="bad-scale", hint="write it as churn=1:4")
        known[name] = int(least), int(most)
    return known


def parse_split(text: str) -> dict[str, dict[int, int]]:
    """Read `churn:1=90,churn:2=10`; each model's shares make 100 percent. Raises `SettingsError`."""
    shares = parse_shares(text)
    for name, versions in shares.items():
        if sum(versions.values()) != 100:
            msg = f"the shares of {name!r} make {sum(versions.values())} %, not 100 %"
            raise _bad_split(msg)
    return shares


def parse_shares(text: str) -> dict[str, dict[int, int]]:
    """Read `churn:1=90,churn:2=10`, whatever it sums to. Raises `SettingsError`."""
    shares: dict[str, dict[int, int]] = {}
    for part in filter(None, text.split(",")):
        name, version, percent = _share(part)
        if version in shares.setdefault(name, {}):
            msg = f"{name}:{version} stands there twice"
            raise _bad_split(msg)
        shares[name][version] = percent
    return shares


def parse_limits(texts: Iterable[str]) -> Limits:
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
