"""Which precision is taken, and why: measurements in, a choice and its reasons out. Nothing is run here."""

from __future__ import annotations

from collections.abc import Sequence

from modelport.compile.quantize.loss import Loss, rows_needed
from modelport.compile.quantize.processor import processor
from modelport.compile.quantize.report import Report, Variant, said
from modelport.compile.quantize.wish import Wish
from modelport.errors import ParityError

_WORTH = 1.05
"""A precision that is not a twentieth faster is not worth another set of answers."""


def refusal(variant: Variant, loss: Loss, wish: Wish) -> str:
    """Why a precision is not taken; empty when it may be. A named one is the caller's choice as to speed."""
    if wish.allowed is not None:
        if _short(loss, wish):
            needed = rows_needed(loss.measure, wish.allowed)
            return f"{loss.rows} rows cannot show a loss of {wish.allowed:g} points: needs at least {needed}"
        if loss.lost > wish.allowed:
            return f"loses more than {wish.allowed:g} points: {said(loss)}"
    if wish.asked == "auto" and variant.faster < _WORTH:
        return f"not faster here: {variant.faster:.2f} times the speed of fp32"
    return ""


def fastest(wish: Wish, judgements: Sequence[Variant]) -> Variant | None:
    """The fastest that may be taken; None keeps fp32, which only `auto` may.

    Raises `ParityError` (`too-few-rows`, `precision-loss`) when a named precision may not be taken.
    """
    if wish.asked != "auto" and judgements[0].refused:
        raise _refused(wish, judgements[0])
    taken = [each for each in judgements if not each.refused]
    return max(taken, key=lambda each: each.faster, default=None)


def _refused(wish: Wish, judged: Variant) -> ParityError:
    msg = f"{wish.asked}: {judged.refused}"
    if _short(judged.loss, wish):
        return ParityError(msg, code="too-few-rows", hint="give more rows with their labels")
    return ParityError(msg, code="precision-loss", hint="allow a larger loss, or serve it in fp32")


def _short(loss: Loss | None, wish: Wish) -> bool:
    """Whether there are too few rows to tell the allowed loss from none."""
    if loss is None or wish.allowed is None:
        return False
    return loss.rows < rows_needed(loss.measure, wish.allowed)


def summary(
    wish: Wish, variants: tuple[Variant, ...], chosen: Variant | None, rows: int, *, labelled: bool
) -> Report:
    judged_by = next((each.loss for each in variants if each.loss is not None), None)
    needed = rows_needed(judged_by.measure, wish.allowed) if judged_by and wish.allowed else None
    machine = processor()
    return Report(
        asked=wish.asked,
        chosen="fp32" if chosen is None else chosen.precision,
        why=_why(wish, variants, chosen),
        allowed=wish.allowed,
        rows=rows,
        labelled=labelled,
        rows_needed=needed,
        processor=machine,
        variants=variants,
        notes=tuple(_notes(wish, chosen, machine.says, labelled=labelled)),
    )


def _why(wish: Wish, variants: Sequence[Variant], chosen: Variant | None) -> str:
    if chosen is None:
        return "; ".join(f"{each.precision}: {each.refused}" for each in variants if each.refused)
    if wish.asked != "auto":
        return "asked for"
    return f"the fastest within {wish.allowed:g} points, {chosen.faster:.2f} times fp32"


def _notes(wish: Wish, chosen: Variant | None, says: str, *, labelled: bool) -> list[str]:
    notes = [f"this processor has {says}"]
    loss = chosen.loss if chosen else None
    if not labelled:
        notes.append("the sample had no labels: every answer that changes was counted as lost")
    if loss and wish.allowed is not None and loss.high > wish.allowed:
        notes.append(
            f"the loss may be up to {loss.high:.2f} points (95 %); more labelled rows would narrow that"
        )
    if loss and loss.macro_f1_before is not None and loss.macro_f1_after is not None:
        fallen = 100 * (loss.macro_f1_before - loss.macro_f1_after)
        if fallen > max(wish.allowed or 0.0, loss.lost + 0.5):
            notes.append(f"macro-F1 falls by {fallen:.2f} points: a small class loses more than the rest")
    if chosen and chosen.method == "dynamic":
        notes.append(f"a row's answer moves by up to {chosen.shift:.2g} with the rows beside it in a batch")
    return notes
