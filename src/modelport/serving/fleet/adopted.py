"""What a replica answers with, as one plan: what it can start with again. Pure.

A plan takes effect endpoint by endpoint, and an endpoint whose slots fail keeps its last good route. So the
newest plan is not always the one that works: started with it anew, such an endpoint would have no route.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelport.core.plan import EndpointSpec, Revision, ServingPlan
from modelport.serving.replica.rollout import State


def adopted(state: State, plans: Mapping[Revision, ServingPlan]) -> ServingPlan | None:
    """The wanted plan where all of it is in effect, else each endpoint as it answers; None before any does.

    What is in effect in part has a revision just below the wanted one: that is news when it comes again.

    Args:
        plans: those of the state, as they were published.
    """
    wanted = state.wanted
    if wanted is None or not (state.committed or (state.settled and not wanted.endpoints)):
        return None
    whole = {endpoint.name: wanted.revision for endpoint in wanted.endpoints}
    if state.committed == whole:
        return plans[wanted.revision]
    routes = {at: {each.name: each for each in plan.endpoints} for at, plan in plans.items()}
    loaded = {at: {each.id: each for each in plan.slots} for at, plan in plans.items()}
    parts = [(at, routes[at][name]) for name, at in sorted(state.committed.items())]
    slots = {name: loaded[at][name] for at, endpoint in parts for name in _slots(endpoint)}
    below = Revision(wanted.revision.epoch, wanted.revision.number - 1)
    return ServingPlan(below, tuple(slots.values()), tuple(endpoint for _, endpoint in parts))


def _slots(endpoint: EndpointSpec) -> list[str]:
    return [share.slot for share in (*endpoint.route.shares, *endpoint.route.shadows)]
