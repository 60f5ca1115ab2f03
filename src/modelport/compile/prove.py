"""From an adopted model to a packed one: compile, prove, and keep the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from modelport.bundle.reader import GOLDEN
from modelport.bundle.writer import sealed
from modelport.compile.arguments import check_names, check_ranges, parameters_of
from modelport.compile.card import card
from modelport.compile.compiled import Adopted, Compiled
from modelport.compile.golden import golden
from modelport.compile.packed import Packed, Tried, as_json
from modelport.compile.parity import Trial, manifest_of, trial
from modelport.compile.profile import profile
from modelport.compile.quantize.choose import Choice, choose
from modelport.compile.quantize.report import ATTACHMENT as PRECISION
from modelport.compile.quantize.wish import Wish
from modelport.compile.sample import Sample
from modelport.compile.speed import measure, with_original
from modelport.compile.taken import as_taken
from modelport.core.manifest import About, Parameters
from modelport.errors import CompileError
from modelport.runtimes.batch import Batch


def pack_adopted(
    adopted: Adopted,
    rows: Sample,
    *,
    name: str,
    version: str | None = None,
    parameters: Parameters | Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    precision: Wish | None = None,
    now: datetime | None = None,
    original_us: Mapping[int, float] | None = None,
) -> Packed:
    """As `pack`, for a model that is adopted already.

    `original_us` is the original's time per call by rows, for an original that cannot be timed here.
    """
    check_names(name, version)
    wanted = parameters_of(parameters)
    compiled, proof, tried = _first_that_holds(adopted, rows)
    check_ranges(wanted, compiled.signature)
    rows = as_taken(rows, compiled)
    choice = choose(compiled, proof, precision) if precision is not None else Choice(compiled, proof, None)
    compiled, served = choice.compiled, choice.trial
    speed = measure(adopted.original, rows.batch, served.predictor.predict, _head(proof.taken, len(rows)))
    if original_us is not None:
        speed = with_original(speed, original_us)
    manifest = sealed(manifest_of(compiled, wanted), compiled.files)
    created = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    source = {**adopted.source, "compiled": tried[-1].candidate, **made_in(choice)}
    about = About(name, version, created, source, dict(tags or {}))
    attachments = {
        GOLDEN: msgspec.json.encode(golden(compiled, served)),
        "parity.json": as_json({"tried": tried, "parity": proof.parity}),
        "speed.json": as_json(speed),
        "profile.json": as_json(profile(rows)),
        "card.md": card(manifest, about, proof.parity, speed, compiled.notes).encode(),
        **precision_evidence(choice),
    }
    return Packed(manifest, about, compiled.files, attachments, proof.parity, speed, tried)


def _first_that_holds(adopted: Adopted, sample: Sample) -> tuple[Compiled, Trial, tuple[Tried, ...]]:
    tried: list[Tried] = []
    failure: CompileError | None = None
    for candidate in adopted.candidates:
        try:
            compiled = candidate.build()
            proof = trial(adopted, compiled, as_taken(sample, compiled))
        except CompileError as error:
            failure = error
            tried.append(Tried(candidate.name, error.message))
        else:
            return compiled, proof, (*tried, Tried(candidate.name))
    raise _none_held(tried, failure)


def _none_held(tried: Sequence[Tried], failure: CompileError | None) -> CompileError:
    """The last refusal, with those before it told as well."""
    if failure is None:
        return CompileError("there is no way to compile this model")
    if len({each.refused for each in tried}) == 1:
        return failure
    told = "\n".join(f"{each.candidate}: {each.refused}" for each in tried)
    return type(failure)(told, code=failure.code, hint=failure.hint)


def made_in(choice: Choice) -> dict[str, str]:
    """What the precision adds to where a bundle came from."""
    return {} if choice.report is None else {"precision": choice.report.chosen}


def precision_evidence(choice: Choice) -> dict[str, bytes]:
    """The attachment that says which precision was chosen and why; none where none was asked for."""
    return {} if choice.report is None else {PRECISION: as_json(choice.report)}


def _head(batch: Batch, rows: int) -> Batch:
    return Batch(rows, {name: batch.array(name)[:rows] for name in batch.tensors})
