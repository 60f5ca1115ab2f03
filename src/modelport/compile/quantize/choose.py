"""Every precision asked for is made, measured and judged; one is chosen, with the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from modelport.compile.compare import compare_rows
from modelport.compile.compiled import Compiled, Outputs
from modelport.compile.parity import Trial
from modelport.compile.pieces import answers
from modelport.compile.quantize.loss import judged
from modelport.compile.quantize.made import TOGETHER, Made, make, shift
from modelport.compile.quantize.race import Timed, cases, race
from modelport.compile.quantize.report import Report, Variant, said
from modelport.compile.quantize.truth import truth_of
from modelport.compile.quantize.verdict import fastest, refusal, summary
from modelport.compile.quantize.wish import Precision, Wish
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array, Batch

_TOLERANCES: Mapping[Precision, tuple[float, float]] = {"int8": (0.02, 0.1), "fp16": (0.005, 0.02)}
"""Tightest and widest tolerance of golden rows. Between processors with and without VNNI the int8 graph of a
six-layer transformer moved by 0.0004 (decision 14); the same row in another batch moves by up to 0.1."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The model in the precision chosen; `trial` has it beside fp32, for golden rows.

    `report` is None where no precision was asked for.
    """

    compiled: Compiled
    trial: Trial
    report: Report | None


def choose(compiled: Compiled, proof: Trial, wish: Wish) -> Choice:
    """The compiled model, proven in fp32, in the precision that `wish` asks for.

    `auto` keeps fp32 where nothing else is faster within the allowed loss, and says why. A named precision is
    taken or refused: raises `Unsupported` (`nothing-to-quantize`, `not-quantized`, `labels-mismatch`) or
    `ParityError` (`precision-loss`, `too-few-rows`).
    """
    if compiled.task == "entities":
        msg = "what fewer bits lose cannot be told of entities yet"
        raise Unsupported(msg, code="not-quantized", hint="pack it without --quantize")
    rows = _sample(proof)
    truth = None
    if wish.truth is not None:
        truth = truth_of(wish.truth, compiled.task, compiled.labels, rows.rows)
    fp32 = Made("fp32", "as compiled", compiled, proof.predictor)
    made, refused = _made(wish, fp32, rows)
    known = _Rows(rows, truth, answers(fp32.predictor, rows, TOGETHER))
    timings = _timings(fp32, made, rows)
    judgements = [_judge(each, known, wish, timings[each.precision]) for each in made]
    variants = (Variant("fp32", fp32.method, fp32.size), *judgements, *refused)
    chosen = fastest(wish, judgements)
    report = summary(wish, variants, chosen, rows.rows, labelled=truth is not None)
    if chosen is None:
        kept = replace(compiled, notes=(*compiled.notes, f"fp32 stays: {report.why}"))
        return Choice(kept, proof, report)
    taken = next(each for each in made if each.precision == chosen.precision)
    return Choice(_told(taken, report), _golden_trial(taken, proof, chosen.tolerance), report)


def _sample(proof: Trial) -> Batch:
    """The rows of the sample as the model takes them; edge rows come behind them."""
    count = proof.parity.rows - proof.parity.edge_rows
    return Batch(count, {name: proof.taken.array(name)[:count] for name in proof.taken.tensors})


def _made(wish: Wish, fp32: Made, rows: Batch) -> tuple[list[Made], list[Variant]]:
    asked: tuple[Precision, ...] = ("int8", "fp16") if wish.asked == "auto" else (wish.asked,)
    made: list[Made] = []
    refused: list[Variant] = []
    for each in asked:
        try:
            made.append(make(each, fp32, rows))
        except Unsupported as error:
            if wish.asked != "auto":
                raise
            refused.append(Variant(each, refused=error.message))
    return made, refused


def _timings(fp32: Made, made: Sequence[Made], rows: Batch) -> dict[Precision, tuple[Timed, ...]]:
    if not made:
        return {}
    others = {each.precision: each.predictor for each in made}
    item = fp32.compiled.signature.item
    raced = [race(fp32.predictor, others, case) for case in cases(rows, item)]
    return {name: tuple(found[name] for found in raced) for name in others}


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of the sample, their truth where it is known, and fp32's answers to them."""

    batch: Batch
    truth: Array | None
    before: Outputs


def _judge(made: Made, rows: _Rows, wish: Wish, timings: tuple[Timed, ...]) -> Variant:
    moved = shift(made.predictor, rows.batch)
    loss = judged(made.compiled.task, rows.truth, rows.before, answers(made.predictor, rows.batch, TOGETHER))
    tightest, widest = _TOLERANCES[made.precision]
    faster = math.exp(float(np.mean([math.log(each.ratio) for each in timings])))
    variant = Variant(
        made.precision,
        made.method,
        made.size,
        made.kept,
        timings,
        round(faster, 3),
        loss,
        moved,
        min(max(tightest, moved), widest),
    )
    return msgspec.structs.replace(variant, refused=refusal(variant, loss, wish))


def _told(made: Made, report: Report) -> Compiled:
    loss = next(each.loss for each in report.variants if each.precision == made.precision)
    assert loss is not None
    notes = (f"{made.precision} ({made.method}): {report.why}", said(loss), *report.notes)
    return replace(made.compiled, notes=(*made.compiled.notes, *notes))


def _golden_trial(made: Made, proof: Trial, tolerance: float) -> Trial:
    """The new precision as a trial: what its golden rows are chosen from.

    Those are rows whose label fp32 gives too, and that are nearer to no tie than `tolerance`: there another
    processor may well say the other thing. How near its numbers are to fp32's is the loss's to judge.
    """
    before, got = (answers(each.predictor, proof.taken, TOGETHER) for each in (proof, made))
    edge = {"edge_rows": proof.parity.edge_rows, "refused": proof.parity.refused_rows}
    parity, clear = compare_rows(got, Batch(proof.taken.rows, got), proof.given, tolerance, **edge)
    agreed = clear & np.logical_and.reduce([_alike(before[name], got[name]) for name in got])
    return replace(proof, predictor=made.predictor, expected=got, agreed=agreed, parity=parity)


def _alike(before: Array, after: Array) -> Array:
    """Row by row, whether two arrays of labels are equal; numbers may differ."""
    if before.dtype.kind not in "iub":
        return np.ones(len(before), np.bool_)
    return np.asarray((before == after).reshape(len(before), -1).all(axis=1))
