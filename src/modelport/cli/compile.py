"""`modelport compile`: a bundle compiled again from its sources, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from modelport.cli import options
from modelport.cli.pack import QUANTIZE, working

if TYPE_CHECKING:
    from modelport.compile.again import Changed, Facts


@click.command("compile")
@click.option("--again", type=options.path, required=True, help="The bundle to compile again.")
@click.option("--source", type=options.path, help="Its sources. Default: NAME.source.zip beside it.")
@click.option("--quantize", type=click.Choice(["int8", "fp16", "auto"]), help=QUANTIZE)
@click.option("--trust-pickle", is_flag=True, help="Load a pickle, in the sandbox: it can run any code.")
@click.option("--allow-weak-sandbox", is_flag=True, help="Go on where the system offers no strong sandbox.")
@click.option("--output", type=options.path, help="Where to write. Default: in place of the bundle.")
@options.as_json
def command(
    *,
    again: Path,
    source: Path | None,
    quantize: str | None,
    trust_pickle: bool,
    allow_weak_sandbox: bool,
    output: Path | None,
    as_json: bool,
) -> None:
    """Compile a bundle again from its sources, for this machine and runtime, and say what changed."""
    import msgspec

    from modelport.cli.output import print_json
    from modelport.compile.again import compile_again

    target = output or again
    with working(f"compiling {again.name} again"):
        changed = compile_again(
            again,
            target,
            sources=source,
            quantize=quantize,
            trust_pickle=trust_pickle,
            allow_weak_sandbox=allow_weak_sandbox,
        )
    if as_json:
        print_json({"path": str(target), **msgspec.to_builtins(changed, str_keys=True)})
        return
    _show(target, changed)


def _show(target: Path, changed: Changed) -> None:
    from modelport.cli.tables import print_table

    before, after = dict(_facts(changed.before)), dict(_facts(changed.after))
    names = list(dict.fromkeys([*before, *after]))
    rows = [(name, before.get(name, ""), after.get(name, "")) for name in names]
    print_table(("", "before", "after"), rows, title=str(target))
    told = "the same: nothing that answers is different" if changed.same else "another model than before"
    click.echo(f"identity  {told}")


def _facts(facts: Facts) -> list[tuple[str, str]]:
    difference = facts.largest_difference
    return [
        ("identity", f"{facts.identity[:12]}…"),
        *sorted(facts.made_with.items()),
        ("bytes", f"{facts.bytes:,}"),
        *((f"{rows} row(s)", f"{us:,.0f} µs") for rows, us in sorted(facts.compiled_us.items())),
        ("largest difference", "" if difference is None else f"{difference:.2g}"),
        ("golden rows", str(facts.golden_rows)),
    ]
