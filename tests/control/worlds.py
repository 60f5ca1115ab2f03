"""Deployments, rollouts and versions as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from modelport.core.deployment import Arm, Deployment, DeploymentSpec, ModelConfig, Overrides, StrategyName
from modelport.core.manifest import Parameters
from modelport.core.plan import BASIS_POINTS, Scaling
from modelport.core.records import Version

ENDPOINT = "churn"


def versions(endpoint: str = ENDPOINT, count: int = 5) -> dict[str, Version]:
    """`churn:1` to `churn:5`."""
    made = (
        Version(
            endpoint,
            number,
            f"{number:064x}",
            f"{number:064x}",
            1_000,
            f"1.{number}.0",
            parameters=Parameters(),
        )
        for number in range(1, count + 1)
    )
    return {version.id: version for version in made}


def locate(digest: str) -> str:
    """Where an artifact is."""
    return f"file:///artifacts/sha256/{digest[:2]}/{digest}.bundle"


@st.composite
def steps(draw: st.DrawFn) -> tuple[int, ...]:
    """Growing shares that end with all traffic."""
    smaller = draw(st.sets(st.integers(1, BASIS_POINTS - 1), max_size=3))
    return (*sorted(smaller), BASIS_POINTS)


@st.composite
def specs(draw: st.DrawFn, candidate: int | None = None) -> DeploymentSpec:
    """Any deployment that can be applied."""
    strategy: StrategyName = draw(st.sampled_from(["direct", "canary", "blue_green", "ab", "shadow"]))
    wanted = candidate or draw(st.integers(2, 5))
    spec = DeploymentSpec(ENDPOINT, strategy, wanted, keep_warm=draw(st.sampled_from([0.0, 900.0])))
    if strategy == "canary":
        return replace(spec, steps=draw(steps()))
    if strategy == "shadow":
        return replace(spec, share=draw(st.integers(1, BASIS_POINTS)))
    if strategy == "ab" or (strategy == "blue_green" and draw(st.booleans())):
        others = [number for number in range(1, 6) if number != wanted]
        return replace(spec, arms=draw(arms(wanted, others, 3 if strategy == "ab" else 1)))
    return spec


@st.composite
def arms(draw: st.DrawFn, candidate: int, others: list[int], most: int) -> tuple[Arm, ...]:
    """A split that gives everyone something, the candidate last."""
    chosen = draw(st.lists(st.sampled_from(others), min_size=1, max_size=most, unique=True))
    cuts = sorted(draw(st.sets(st.integers(1, BASIS_POINTS - 1), min_size=len(chosen), max_size=len(chosen))))
    weights = [high - low for low, high in zip([0, *cuts], [*cuts, BASIS_POINTS], strict=True)]
    return tuple(Arm(version, weight) for version, weight in zip([*chosen, candidate], weights, strict=True))


@st.composite
def deployments(draw: st.DrawFn) -> Deployment:
    """An endpoint that was just changed."""
    config = draw(
        st.sampled_from(
            [
                ModelConfig(),
                ModelConfig(Overrides(confidence_threshold=0.7), Scaling(2, 4, auto_scale=True)),
                ModelConfig(Overrides(batch_size=8), Scaling(0, 3, auto_scale=True)),
            ]
        )
    )
    live = draw(st.sampled_from([None, 1, 2]))
    return Deployment(ENDPOINT, draw(specs()), draw(st.integers(1, 9)), config=config, live=live)
