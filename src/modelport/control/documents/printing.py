"""From what is wanted back to a document that says it: what a person reads, and what changes are told in.

Printed, read and resolved again, it comes to the same.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import asdict

from modelport.core.deployment import Criteria, DeploymentSpec, ModelConfig, Terms

_UNITS = (("d", 86400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0), ("ms", 0.001))


def deployment(spec: DeploymentSpec) -> dict[str, Any]:
    """A `deployment` document; keys that have their default are left out."""
    document: dict[str, Any] = {
        "strategy": spec.strategy, "model": spec.endpoint, "version": spec.follows or spec.candidate
    }  # fmt: skip
    if spec.steps:
        document["steps"] = [_number(step / 100) for step in spec.steps]
    if spec.arms:
        document["traffic_split"] = {str(arm.version): f"{arm.weight / 100:g}%" for arm in spec.arms}
    if spec.share:
        document["share"] = f"{spec.share / 100:g}%"
    if spec.decide:
        document["decide"] = True
    if spec.sticky != "user":
        document["sticky"] = spec.sticky
    if spec.keep_warm != DeploymentSpec("", "direct", 1).keep_warm:
        document["keep_warm"] = duration(spec.keep_warm)
    return {**document, **_terms(spec.terms)}


def model_config(name: str, config: ModelConfig) -> dict[str, Any]:
    """A `model_config` document; keys that keep the bundle's own are left out."""
    given = {key: value for key, value in asdict(config.parameters).items() if value is not None}
    rules = given.pop("validation", None)
    document: dict[str, Any] = {"name": name}
    if given:
        document["parameters"] = given
    if config.scaling:
        document["scaling"] = asdict(config.scaling)
    if rules:
        document["validation"] = msgspec.to_builtins(rules)
    return document


def duration(seconds: float) -> str:
    """`10m` of 600.0, `200ms` of 0.2: in the largest unit that leaves a whole number."""
    for unit, length in _UNITS:
        count = round(seconds / length)
        if count and abs(count * length - seconds) < 1e-9:
            return f"{count}{unit}"
    return f"{_plain(seconds)}s"


def _terms(terms: Terms) -> dict[str, Any]:
    default = asdict(Terms())
    given = {key: value for key, value in asdict(terms).items() if value != default[key]}
    criteria = given.pop("criteria", None)
    for key in ("min_duration", "max_duration"):
        if key in given:
            given[key] = duration(given[key])
    if "error_level" in given:
        given["error_level"] = _percent(given["error_level"])
    return {**({"promotion_criteria": _criteria(criteria)} if criteria else {}), **given}


def _criteria(criteria: Criteria) -> dict[str, Any]:
    written = {
        "accuracy_threshold": criteria.accuracy and f">= {_percent(criteria.accuracy)}",
        "latency_p95": criteria.latency_p95 and f"< {_milliseconds(criteria.latency_p95)}",
        "error_rate": criteria.error_rate and f"< {_percent(criteria.error_rate)}",
        "performance_degradation": criteria.degradation and f"< {_percent(criteria.degradation)}",
    }
    return {key: value for key, value in written.items() if value}


def _milliseconds(seconds: float) -> str:
    return f"{_plain(seconds)}s" if seconds >= 1 else f"{_plain(seconds * 1000)}ms"


def _percent(fraction: float) -> str:
    return f"{_plain(fraction * 100)}%"


def _number(value: float) -> float:
    return int(value) if value.is_integer() else value


def _plain(number: float) -> str:
    """Without an exponent, and without digits that only binary fractions have."""
    return f"{number:.9f}".rstrip("0").rstrip(".")
