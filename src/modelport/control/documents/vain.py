"""Keys that would change nothing where they stand: refused, so that nobody relies on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from modelport.control.documents.binding import Known
from modelport.control.documents.faults import Fault
from modelport.control.documents.forms import AbForm, BlueGreenForm, CanaryForm, CriteriaForm
from modelport.control.documents.reading import PlacedConfig, PlacedDeployment
from modelport.control.feedback.judging import LABELLED
from modelport.core.deployment import DeploymentSpec
from modelport.core.plan import BASIS_POINTS

CRITERIA = ("promotion_criteria", "success_criteria")
_OF_PROMOTION = ("require", "min_requests", "min_duration")
_OF_JUDGEMENT = (*CRITERIA, "error_level", *_OF_PROMOTION, "on_timeout")
_SURE = frozenset({"classification"})
"""Tasks whose answers carry a confidence, where the model has probabilities."""


def unproven(placed: PlacedDeployment) -> Iterator[Fault]:
    """`proven` without anything to prove would promote as `not_worse` does."""
    form: Any = placed.form
    asked = form.promotion_criteria or form.success_criteria or CriteriaForm()
    if form.require == "proven" and asked == CriteriaForm():
        yield placed.fault("'proven' proves criteria, and none is asked: add promotion_criteria", "require")


def unjudged(placed: PlacedDeployment, wanted: DeploymentSpec) -> Iterator[Fault]:
    """How it is judged, said of what never is."""
    if any(arm.version == wanted.candidate and not arm.weight for arm in wanted.arms):
        yield placed.fault(f"version {wanted.candidate} has no share, so it is never judged", "traffic_split")
    match placed.form:
        case BlueGreenForm() if not wanted.arms:
            why = "all traffic is switched at once, so nothing is judged: add traffic_split"
            yield from _written(placed, _OF_JUDGEMENT, why)
        case CanaryForm() if wanted.steps == (BASIS_POINTS,):
            why = "the first step has all of the traffic, so nothing is judged: begin with less"
            yield from _written(placed, _OF_JUDGEMENT, why)
        case AbForm() if not wanted.decide:
            why = "no arm is promoted by evidence here: add decide: true"
            yield from _written(placed, _OF_PROMOTION, why)


def unlabelled(placed: PlacedDeployment, known: Known, wanted: DeploymentSpec) -> Iterator[Fault]:
    """A share of right predictions, asked of a task where right is a matter of degree."""
    task = known.task(wanted.candidate)
    for key in CRITERIA:
        asked = getattr(placed.form, key, UNSET)
        if asked and asked.accuracy_threshold is not UNSET and task and task not in LABELLED:
            why = (
                f"version {wanted.candidate} answers with a {task}, which is not right or wrong: leave it out"
            )
            yield placed.fault(why, key, "accuracy_threshold", code="target-cannot")


def unsure(placed: PlacedConfig, known: Known) -> Iterator[Fault]:
    """A threshold of confidence, asked of a model that has none."""
    task = known.task(known.live or known.newest())
    asked = placed.form.parameters
    if asked and asked.confidence_threshold is not UNSET and task and task not in _SURE:
        why = f"model {known.model!r} answers with a {task}, which has no confidence: leave it out"
        yield placed.fault(why, "parameters", "confidence_threshold", code="target-cannot")


def _written(placed: PlacedDeployment, keys: tuple[str, ...], why: str) -> Iterator[Fault]:
    for key in keys:
        if getattr(placed.form, key) is not UNSET:
            yield placed.fault(f"{key!r} says nothing here: {why}", key)
