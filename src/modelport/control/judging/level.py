"""How the error level of a rollout is shared by its criteria and guards.

A rollback is wrong when nothing is worse than allowed, so the chances of every false "harm" must add up to
the error level: each finding gets its part, by the weights below among those of the rollout.

A promotion under `proven` is wrong when one limit is not kept, and it takes all of them: that one alone has
to be wrong. So each "holds" may use the whole level (intersection-union test, Berger 1982).
"""

from __future__ import annotations

from typing import Final

from modelport.core.deployment import Criteria, Terms

GUARDS: Final = ("guard.errors", "guard.latency", "guard.accuracy", "guard.broken", "guard.split")

ASKED: Final = 2 / 3
"""Part of the level that the criteria share when there are any; guards share the rest."""

WEIGHTS: Final = {
    "error_rate": 4.0,
    "latency_p95": 3.0,
    "accuracy_threshold": 4.0,
    "performance_degradation": 3.0,
    "guard.errors": 4.0,
    "guard.latency": 1.5,
    "guard.accuracy": 2.0,
    "guard.broken": 0.2,
    "guard.split": 0.3,
}
"""Shares within the criteria, and within the guards: more where harm is common and evidence is dear."""


def asked(criteria: Criteria) -> tuple[str, ...]:
    """Names of the criteria that have a limit, in the order in which they are told."""
    limits = {
        "error_rate": criteria.error_rate,
        "latency_p95": criteria.latency_p95,
        "accuracy_threshold": criteria.accuracy,
        "performance_degradation": criteria.degradation,
    }
    return tuple(name for name, limit in limits.items() if limit is not None)


def harm_level(name: str, terms: Terms) -> float:
    """Chance that `name` may have of showing harm where there is none, over the whole rollout."""
    criteria = asked(terms.criteria)
    among, part = (GUARDS, 1 - ASKED if criteria else 1.0) if name in GUARDS else (criteria, ASKED)
    return terms.error_level * part * WEIGHTS[name] / sum(WEIGHTS[each] for each in among)
