"""What a replica tells its control plane: pure, over what supervisor and workers know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelport.core.fleet import EndpointStatus, ShadowSeen, SlotState, SlotStatus, Trouble
from modelport.core.plan import ServingPlan, SlotSpec
from modelport.serving.replica.messages import SlotReport, Told
from modelport.serving.replica.rollout import Seen, State, Verdict

_FAR: Sequence[SlotState] = (
    "failed", "wanted", "fetching", "loading", "warming", "verified", "ready", "draining",
)  # fmt: skip
"""The least far first: a failure is to be seen whatever the other workers say."""
_WANTED = SlotReport("wanted")
TROUBLES = 20
"""Most troubles in one report."""


def endpoints(state: State, verdicts: Mapping[str, Verdict]) -> dict[str, EndpointStatus]:
    """The revision of each endpoint that is wanted or answers, and why it cannot be the wanted one: nothing
    while slots are on their way, which they tell themselves."""
    wanted = [endpoint.name for endpoint in state.wanted.endpoints] if state.wanted else []
    reasons = {name: verdict.reason for name, verdict in verdicts.items()}
    names = dict.fromkeys([*wanted, *state.committed])
    return {name: EndpointStatus(state.committed.get(name), reasons.get(name, "")) for name in names}


def slots(
    state: State, workers: Sequence[Seen], limits: Mapping[str, str], sizes: Mapping[str, tuple[int, int]]
) -> dict[str, SlotStatus]:
    """Every slot of the wanted plan, and those that only older revisions have as draining. A slot is as far
    as it was until a worker has looked at the newer plan: that one came unloads nothing.

    `sizes` are batches at a time and bytes, by slot, as counted over all workers.
    """
    wanted = _specs(state.wanted)
    known = {}
    for name, spec in wanted.items():
        report = _least([seen.slots.get(name, seen.before.get(name, _WANTED)) for seen in workers])
        instances, held = sizes.get(name, (0, 0))
        count = instances or _fixed(spec, report, len(workers))
        known[name] = SlotStatus(report.state, report.reason, count, limits.get(name, ""), held)
    older = {name for plan in state.plans.values() for name in _specs(plan)} - wanted.keys()
    leaving = {name: SlotStatus("draining", bytes=sizes.get(name, (0, 0))[1]) for name in older}
    return known | leaving


def limits(told: Iterable[Told]) -> dict[str, str]:
    """What keeps slots from more instances, as any worker says."""
    return {slot: limit for each in told for slot, limit in each.limits.items()}


def troubles(told: Iterable[Told]) -> tuple[Trouble, ...]:
    """The last of all workers, oldest first."""
    known = sorted((trouble for each in told for trouble in each.troubles), key=lambda trouble: trouble.at)
    return tuple(known[-TROUBLES:])


def shadows(told: Iterable[Told]) -> tuple[ShadowSeen, ...]:
    """Sums over the workers."""
    total: dict[tuple[str, str, str], ShadowSeen] = {}
    for seen in (seen for each in told for seen in each.shadows):
        key = seen.endpoint, seen.slot, seen.against
        total[key] = total[key].plus(seen) if key in total else seen
    return tuple(total.values())


def _fixed(spec: SlotSpec, report: SlotReport, workers: int) -> int:
    """Of a slot whose instances follow no load: as many as asked for in every worker, once it is ready."""
    return spec.instances * workers if report.state == "ready" else 0


def _least(reports: Sequence[SlotReport]) -> SlotReport:
    return min(reports, key=lambda report: _FAR.index(report.state), default=SlotReport("wanted"))


def _specs(plan: ServingPlan | None) -> dict[str, SlotSpec]:
    return {slot.id: slot for slot in plan.slots} if plan is not None else {}
