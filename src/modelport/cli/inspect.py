"""`modelport inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from modelport.cli import options


@click.command("inspect")
@click.argument("bundle", type=options.path, help="A bundle: a directory or a .zip.")
@options.as_json
def command(*, bundle: Path, as_json: bool) -> None:
    """Show a bundle's contract, digests and evidence; every file is verified, nothing in it is run."""
    from modelport.bundle.reader import open_bundle
    from modelport.cli import evidence

    with open_bundle(bundle) as opened:
        found = evidence.gather(opened)
    if as_json:
        from modelport.cli.output import print_json

        print_json(found)
        return
    show(found)


def show(found: dict[str, Any]) -> None:
    """The same for people."""
    from modelport.cli.tables import print_table

    print_table(("", ""), list(_facts(found)), title=f"{found['name']} {found['label'] or ''}".strip())
    signature = found["signature"]
    rows = [("in", *_field(field)) for field in signature["inputs"]]
    rows += [("out", *_field(field)) for field in signature["outputs"]]
    print_table(("", "tensor", "datatype", "shape", "values"), rows, title="Signature")
    files = [(file["path"], f"{file['size']:,}", file["sha256"][:16] + "…") for file in found["files"]]
    print_table(("file", "bytes", "sha256, verified"), files, title="Files")


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("identity", found["identity"]),
        ("made from", ", ".join(f"{name} {version}" for name, version in found["source"].items())),
        ("created", found["created"]),
        ("runtime", f"{found['runtime']} (format {found['format']})"),
        ("task", f"{found['task']}, one item is {found['signature']['item']}"),
        ("labels", _some(found["labels"] or ())),
        ("tags", ", ".join(f"{name}: {value}" for name, value in found["tags"].items())),
        ("steps", ", ".join(found["steps"])),
        ("runs code of its author", "YES: refused without --allow-python" if found["executable"] else "no"),
        ("size", f"{found['size']:,} bytes"),
        ("refused on the way", "\n".join(_refused(found["tried"]))),
        ("parity", describe_parity(found["parity"])),
        ("precision", describe_precision(found["precision"])),
        ("golden rows", str(found["golden_rows"] or "none")),
        ("speed", describe_speed(found["speed"])),
    ]
    return [(name, text) for name, text in facts if text]


def _refused(tried: list[dict[str, str]]) -> list[str]:
    """Faster ways to compile that did not hold, with the first line of why."""
    return [
        f"{way['candidate']}: {way['refused'].splitlines()[0].rstrip(':')}" for way in tried if way["refused"]
    ]


def describe_parity(parity: dict[str, Any] | None) -> str:
    """How near the compiled model is to its original, in a line."""
    if parity is None:
        return "not measured: there was no original to compare with"
    worst = max((found["max_absolute"] for found in parity["differences"]), default=0.0)
    labels = f"labels agree {parity['label_agreement']:.2%}, "
    return (
        f"{labels}largest difference {worst:.2g} on {parity['rows']} rows"
        f" ({parity['edge_rows']} of them edge rows)"
    )


def describe_speed(speed: dict[str, Any] | None) -> str:
    """Original and compiled side by side, in lines."""
    if speed is None:
        return ""
    return "\n".join(_timing(time) for time in speed["timings"])


def describe_precision(report: dict[str, Any] | None) -> str:
    """Every precision that was measured, in lines, and why one was chosen; empty where none was asked for."""
    if report is None:
        return ""
    lines = [f"{report['chosen']}: {report['why']}", *map(_variant, report["variants"])]
    return "\n".join([*lines, *(f"note: {note}" for note in report["notes"])])


def _variant(variant: dict[str, Any]) -> str:
    import msgspec

    from modelport.compile.quantize.loss import Loss
    from modelport.compile.quantize.report import said

    known = [f"{variant['bytes']:,} bytes"] if variant["bytes"] else []
    if variant["timings"]:
        known.append(f"{variant['faster']:.2f} times as fast")
    if variant["loss"] is not None:
        known.append(said(msgspec.convert(variant["loss"], Loss)))
    return f"{variant['precision']}: " + "; ".join([*known, *filter(None, [variant["refused"]])])


def _timing(time: dict[str, Any]) -> str:
    before, after = time["original_us"], time["compiled_us"]
    rows = f"{time['rows']} row{'s' if time['rows'] > 1 else ''}"
    ratio = before / after
    factor = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"
    return f"{rows}: {before:,.0f} µs → {after:,.0f} µs ({factor} times as fast)"


def _field(field: dict[str, Any]) -> tuple[str, str, str, str]:
    shape = " x ".join("n" if size == -1 else str(size) for size in field["shape"])
    return field["name"], field["dtype"], shape, _values(field)


def _values(field: dict[str, Any]) -> str:
    parts = []
    if field.get("minimum") is not None:
        parts.append(f"{field['minimum']:g} to {field['maximum']:g}")
    if field.get("categories"):
        parts.append(_some(field["categories"]) + (" only" if field.get("closed") else ""))
    if field.get("columns"):
        parts.append(_some(field["columns"]))
    if field.get("missing"):
        parts.append("may be missing")
    return "; ".join(parts)


def _some(values: Any, most: int = 8) -> str:
    shown = ", ".join(str(value) for value in values[:most])
    return f"{shown}, … ({len(values)})" if len(values) > most else shown
