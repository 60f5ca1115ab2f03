"""What was found out about each precision, and which one was chosen: the attachment `precision.json`."""

from __future__ import annotations

import msgspec

from modelport.compile.quantize.loss import Loss
from modelport.compile.quantize.processor import Processor
from modelport.compile.quantize.race import Timed
from modelport.compile.quantize.wish import Precision

ATTACHMENT = "precision.json"


class Variant(msgspec.Struct, frozen=True):
    """One precision.

    Attributes:
        precision: its name.
        method: how it was made: `dynamic`, `static`, `cast`; `as compiled` for fp32.
        bytes: size of the model's files.
        kept: how many products with weights stay in fp32.
        timings: calls timed beside fp32; none for fp32 itself.
        faster: geometric mean of their ratios; below 1 it is slower.
        loss: what it loses against fp32 on the same rows.
        shift: how far the same row's answer moves with what else is in its batch: largest difference found.
        tolerance: of its golden rows.
        refused: why it was not taken; empty for the chosen one.
    """

    precision: Precision
    method: str = ""
    bytes: int = 0
    kept: int = 0
    timings: tuple[Timed, ...] = ()
    faster: float = 1.0
    loss: Loss | None = None
    shift: float = 0.0
    tolerance: float = 0.0
    refused: str = ""


class Report(msgspec.Struct, frozen=True):
    """The choice and its evidence.

    Attributes:
        asked: `int8`, `fp16` or `auto`.
        chosen: the precision of the bundle.
        why: the choice in a sentence.
        allowed: most points that may be lost; None for no limit.
        rows: rows of the sample the loss was measured on; `labelled` says whether their truth was known.
        rows_needed: the fewest rows that can tell a loss of `allowed` points from none.
        processor: where the times were taken.
        variants: fp32 first.
        notes: what a reader should know.
    """

    asked: str
    chosen: Precision
    why: str
    allowed: float | None
    rows: int
    labelled: bool
    rows_needed: int | None
    processor: Processor
    variants: tuple[Variant, ...]
    notes: tuple[str, ...] = ()


def said(loss: Loss) -> str:
    """A loss in words."""
    interval = f"95 % interval {loss.low:+.2f} to {loss.high:+.2f}"
    match loss.measure:
        case "accuracy":
            shares = f"accuracy {loss.before:.2%} → {loss.after:.2%}"
            return f"{shares}, {loss.lost:+.2f} points lost ({interval}) on {loss.rows:,} rows"
        case "agreement":
            return f"{loss.lost:.2f} % of {loss.rows:,} answers change ({interval})"
        case "rmse":
            errors = f"RMSE {loss.before:.4g} → {loss.after:.4g}"
            return f"{errors}, {loss.lost:+.2f} % ({interval}) on {loss.rows:,} rows"
        case "similarity":
            return f"mean cosine {loss.after:.5f} to fp32 on {loss.rows:,} rows"
