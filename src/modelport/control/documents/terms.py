"""From criteria and terms as written to what a rollout is decided by (CONTRACTS 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from modelport.control.documents import units
from modelport.control.documents.faults import Fault
from modelport.control.documents.forms import CriteriaForm
from modelport.control.documents.reading import PlacedDeployment
from modelport.control.documents.vain import CRITERIA, unproven
from modelport.core.deployment import Criteria, Terms

_LIMITS = ("accuracy_threshold", "error_rate")
"""Criteria that are shares: none can be 100 % or more, nor 0."""


def terms(placed: PlacedDeployment) -> Terms:
    """How the rollout of a checked document is decided."""
    form: Any = placed.form
    given = {
        "criteria": _criteria(_asked(form)),
        "require": form.require,
        "error_level": _converted(form.error_level, units.fraction),
        "min_requests": form.min_requests,
        "min_duration": _converted(form.min_duration, units.seconds),
        "max_duration": _converted(form.max_duration, units.seconds),
        "on_timeout": form.on_timeout,
    }
    return Terms(**{name: value for name, value in given.items() if value is not UNSET})


def faults(placed: PlacedDeployment) -> Iterator[Fault]:
    """What no rollout could be decided by."""
    form: Any = placed.form
    if form.promotion_criteria and form.success_criteria:
        yield placed.fault("promotion_criteria is there already, and means the same", "success_criteria")
    yield from unproven(placed)
    for name in CRITERIA:
        if getattr(form, name):
            yield from _criteria_faults(placed, name)
    level = _converted(form.error_level, units.fraction)
    if level is not UNSET and not 0 < level <= 0.5:
        yield placed.fault("error_level is a chance above 0 and up to 50 %, such as '1%'", "error_level")
    found = terms(placed) if level is UNSET or 0 < level <= 0.5 else Terms()
    if found.max_duration <= found.min_duration:
        bounds = f"min_duration ({found.min_duration:g} s) leaves nothing of max_duration"
        key = "max_duration" if form.max_duration is not UNSET else "min_duration"
        yield placed.fault(f"{bounds} ({found.max_duration:g} s)", key)


def _criteria_faults(placed: PlacedDeployment, key: str) -> Iterator[Fault]:
    asked = getattr(placed.form, key)
    for name in _LIMITS:
        value = _converted(getattr(asked, name), units.fraction)
        if value is not UNSET and not 0 < value < 1:
            yield placed.fault(f"{name!r} lies between 0 and 100 %, and is neither", key, name)
    if asked.latency_p95 is not UNSET and units.seconds(asked.latency_p95) <= 0:
        yield placed.fault("no answer takes no time: latency_p95 is above 0", key, "latency_p95")
    worse = _converted(asked.performance_degradation, units.fraction)
    if worse is not UNSET and worse <= 0:
        yield placed.fault(
            "0 % cannot be shown: leave a margin, such as '< 1%'", key, "performance_degradation"
        )


def _asked(form: Any) -> CriteriaForm:
    return form.promotion_criteria or form.success_criteria or CriteriaForm()


def _criteria(form: CriteriaForm) -> Criteria:
    given = {
        "accuracy": _converted(form.accuracy_threshold, units.fraction),
        "latency_p95": _converted(form.latency_p95, units.seconds),
        "error_rate": _converted(form.error_rate, units.fraction),
        "degradation": _converted(form.performance_degradation, units.fraction),
    }
    return Criteria(**{name: value for name, value in given.items() if value is not UNSET})


def _converted(written: Any, convert: Any) -> Any:
    return UNSET if written is UNSET else convert(written)
