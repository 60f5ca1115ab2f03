"""The model card: what a person wants to know before trusting a bundle, on one page."""

from __future__ import annotations

from collections.abc import Sequence

from modelport.compile.compare import Parity
from modelport.compile.speed import Speed
from modelport.core.manifest import About, Manifest
from modelport.core.signature import Field


def card(manifest: Manifest, about: About, parity: Parity, speed: Speed, notes: Sequence[str]) -> str:
    """Markdown: task, source, contract, evidence of parity and speed, notes of the compiler."""
    return (
        "\n\n".join(
            [
                f"# {about.name}" + (f" {about.label}" if about.label else ""),
                f"Task: {manifest.task}. Runtime: {manifest.runtime}. Packed: {about.created}.",
                _source(about),
                "## Input\n\n" + _fields(manifest.signature.inputs),
                "## Output\n\n" + _fields(manifest.signature.outputs) + _labels(manifest),
                "## Proof\n\n" + _proof(parity),
                "## Speed\n\n" + _speed(speed),
                *(["## Notes\n\n" + "\n".join(f"- {note}" for note in notes)] if notes else []),
            ]
        )
        + "\n"
    )


def _source(about: About) -> str:
    return "Made from: " + ", ".join(f"{key} {value}" for key, value in sorted(about.source.items())) + "."


def _fields(fields: Sequence[Field]) -> str:
    rows = [f"| {field.name} | {field.dtype} | {list(field.shape)} | {_rule(field)} |" for field in fields]
    return "\n".join(["| name | dtype | shape | |", "|---|---|---|---|", *rows])


def _rule(field: Field) -> str:
    said = []
    if field.missing:
        said.append("may be missing")
    if field.minimum is not None and field.maximum is not None:
        said.append(f"seen {field.minimum:g} to {field.maximum:g}")
    if field.closed:
        said.append(f"one of {len(field.categories)} values")
    return "; ".join(said)


def _labels(manifest: Manifest) -> str:
    if manifest.labels is None:
        return ""
    return "\n\nLabels: " + ", ".join(f"`{label}`" for label in manifest.labels[:50]) + "."


def _proof(parity: Parity) -> str:
    lines = [
        f"Compared with the original on {parity.rows} rows, {parity.edge_rows} of them made to be difficult.",
        f"Labels agree on {parity.label_agreement:.2%}; near-ties: {parity.near_ties}.",
    ]
    lines += [
        f"`{each.output}` differs by at most {each.max_absolute:.3g} (limit {parity.tolerance:g})."
        for each in parity.differences
    ]
    return "\n".join(f"- {line}" for line in lines)


def _speed(speed: Speed) -> str:
    rows = [
        f"| {each.rows} | {each.original_us:g} µs | {each.compiled_us:g} µs | {each.ratio:.1f} times |"
        for each in speed.timings
    ]
    return "\n".join(
        [f"One thread on {speed.machine}.\n", "| rows | original | compiled | |", "|---|---|---|---|", *rows]
    )
