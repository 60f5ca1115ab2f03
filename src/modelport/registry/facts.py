"""What a bundle file says of itself, after it was verified and audited. No model is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelport.bundle import trust
from modelport.bundle.reader import Bundle, open_bundle
from modelport.core.contract import contract_digest
from modelport.core.manifest import Parameters
from modelport.errors import BundleRefused
from modelport.storage.content import sha256

_METRIC = "metric."
"""Tags of bundles that came with metrics of their training run (`compile/mlflow`) begin so."""


class Facts(msgspec.Struct, frozen=True):
    """What a version takes over from its bundle."""

    name: str
    label: str | None
    identity: str
    artifact: str
    size: int
    task: str
    contract: str
    parameters: Parameters
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    source: Mapping[str, str]


def read(file: Path) -> Facts:
    """The facts of a bundle file, every digest verified.

    Raises `BundleCorrupt`, `BundleRefused` (`bundle-no-file` for a folder) or another `BundleError`.
    """
    if file.is_dir():
        msg = "a folder cannot be registered as it is"
        raise BundleRefused(msg, code="bundle-no-file", hint="make a zip of it: `modelport register` does")
    with open_bundle(file) as bundle:
        trust.audit(bundle)
        return _facts(bundle, sha256(file), file.stat().st_size)


def _facts(bundle: Bundle, artifact: str, size: int) -> Facts:
    about = bundle.about
    tags = {name: value for name, value in about.tags.items() if not name.startswith(_METRIC)}
    return Facts(
        about.name,
        about.label,
        bundle.identity,
        artifact,
        size,
        bundle.manifest.task,
        contract_digest(bundle.manifest),
        bundle.manifest.parameters,
        {**_training(about.tags), **dict(_evidence(bundle))},
        tags,
        about.source,
    )


def _training(tags: Mapping[str, str]) -> dict[str, float]:
    found = {name.removeprefix(_METRIC): _number(tags[name]) for name in tags if name.startswith(_METRIC)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return math.nan


def _evidence(bundle: Bundle) -> Iterator[tuple[str, float]]:
    """Numbers of the evidence files: agreement with the original, microseconds of a row, an evaluation."""
    parity = _document(bundle, "parity.json").get("parity", {})
    if _is_number(parity.get("label_agreement")):
        yield "parity.label_agreement", float(parity["label_agreement"])
    for timing in _document(bundle, "speed.json").get("timings", ()):
        if timing.get("rows") == 1 and _is_number(timing.get("compiled_us")):
            yield "speed.row_us", float(timing["compiled_us"])
    for name, value in _document(bundle, "evaluation.json").items():
        if _is_number(value):
            yield name, float(value)


def _document(bundle: Bundle, name: str) -> dict[str, Any]:
    """An evidence file; empty where there is none. Raises `BundleRefused` (`bad-evidence`)."""
    if name not in bundle.attachments():
        return {}
    try:
        return msgspec.json.decode(bundle.attachment(name), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        msg = f"{name} is not a document of evidence"
        raise BundleRefused(msg, code="bad-evidence", hint="pack the model again") from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
