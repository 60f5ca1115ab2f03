"""A bundle compiled again from its sources: proven anew here, and compared with what it was."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle.reader import Bundle, open_bundle
from modelport.compile.pack_file import pack_file
from modelport.compile.packed import Packed
from modelport.compile.sources import ATTACHMENT, Choices, beside, draft, unpacked


class Facts(msgspec.Struct, frozen=True):
    """What a bundle was, or is.

    Attributes:
        identity: in hex.
        made_with: estimator, libraries and their versions, and the way it was compiled.
        bytes: of its identity files.
        compiled_us: median time of a call in microseconds, by rows; empty where it was not measured.
        largest_difference: from the original, over all outputs; None where it was not measured.
        golden_rows: how many it carries.
    """

    identity: str
    made_with: dict[str, str]
    bytes: int
    compiled_us: dict[int, float]
    largest_difference: float | None
    golden_rows: int


class Changed(msgspec.Struct, frozen=True):
    """Before and after; `same` when the identity is: then nothing that answers is different."""

    before: Facts
    after: Facts
    same: bool


def compile_again(
    path: Path,
    output: Path,
    *,
    sources: Path | None = None,
    quantize: str | None = None,
    trust_pickle: bool = False,
    allow_weak_sandbox: bool = False,
) -> Changed:
    """Compile the bundle at `path` again, prove it here, and write it with its sources to `output`.

    Sources are looked for beside the bundle unless `sources` says where. Everything is chosen as it was,
    except a `quantize` given here. A pickle needs `trust_pickle` again: whoever handed the bundle over is not
    who trusted it. Raises what `pack_file` and `sources.unpacked` raise; then nothing is written.
    """
    with open_bundle(path) as bundle, tempfile.TemporaryDirectory(prefix="modelport-") as scratch:
        folder = Path(scratch, "sources")
        choices = unpacked(bundle, sources or beside(path), folder)
        if quantize is not None:
            choices = msgspec.structs.replace(choices, quantize=quantize)
        before = facts(bundle)
        packed = repacked(folder, choices, trust_pickle=trust_pickle, allow_weak_sandbox=allow_weak_sandbox)
        save(packed, output, choices, {name: folder / name for name in _names(choices)})
    with open_bundle(output) as bundle:
        after = facts(bundle)
    return Changed(before, after, before.identity == after.identity)


def repacked(folder: Path, choices: Choices, *, trust_pickle: bool, allow_weak_sandbox: bool) -> Packed:
    """The model in a folder of sources, packed as was chosen."""
    return pack_file(
        folder / choices.model,
        name=choices.name,
        sample_path=None if choices.sample is None else folder / choices.sample,
        vectorizer=None if choices.vectorizer is None else folder / choices.vectorizer,
        head=None if choices.head is None else folder / choices.head,
        labels=choices.labels,
        version=choices.version,
        task=choices.task,
        signature=choices.signature,
        quantize=choices.quantize,
        labels_column=choices.labels_column,
        allow_loss=choices.allow_loss,
        image=choices.image,
        trust_pickle=trust_pickle,
        allow_weak_sandbox=allow_weak_sandbox,
    )


def save(packed: Packed, target: Path, choices: Choices, files: Mapping[str, Path]) -> None:
    """Write a bundle and, beside it, its sources; a bundle never names sources that were not written."""
    made = draft(target, choices, files)
    try:
        packed.with_attachment(ATTACHMENT, msgspec.json.encode(made.kept)).save(target).close()
        made.place()
    finally:
        made.drop()


def facts(bundle: Bundle) -> Facts:
    """What is known of a bundle, from its own evidence."""
    parity, speed = _attached(bundle, "parity.json"), _attached(bundle, "speed.json")
    differences = parity["parity"]["differences"] if parity else ()
    golden = bundle.golden()
    return Facts(
        identity=bundle.identity,
        made_with=dict(bundle.about.source),
        bytes=sum(entry.size for entry in bundle.manifest.files),
        compiled_us={each["rows"]: each["compiled_us"] for each in speed["timings"]} if speed else {},
        largest_difference=max((each["max_absolute"] for each in differences), default=None),
        golden_rows=0 if golden is None else golden.rows,
    )


def _attached(bundle: Bundle, name: str) -> Any:
    return msgspec.json.decode(bundle.attachment(name)) if name in bundle.attachments() else None


def _names(choices: Choices) -> tuple[str, ...]:
    return tuple(filter(None, (choices.model, choices.sample, choices.vectorizer, choices.head)))
