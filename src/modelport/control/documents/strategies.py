"""From a `deployment` as written, its model and version known, to what is wanted of it (CONTRACTS 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from modelport.control.documents import shares, units
from modelport.control.documents.binding import Known, Picked, Unbound
from modelport.control.documents.faults import Fault
from modelport.control.documents.forms import AbForm, BlueGreenForm, CanaryForm, DirectForm, ShadowForm
from modelport.control.documents.reading import PlacedDeployment
from modelport.control.documents.shares import SharesInvalid
from modelport.control.documents.terms import faults as terms_faults
from modelport.control.documents.terms import terms
from modelport.control.documents.vain import unjudged, unlabelled
from modelport.core.deployment import Arm, DeploymentSpec
from modelport.core.plan import BASIS_POINTS

Choose = Callable[[], Picked]
"""The version to be brought when no split says it; raises `Unbound`."""


class Wrong(Exception):
    """A document that comes to nothing, for these reasons."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def spec(placed: PlacedDeployment, known: Known, given: Picked | None, default: Choose) -> DeploymentSpec:
    """What a checked document wants.

    Args:
        given: the version that is said to be brought; None when nothing says it.
        default: what is brought then.

    Raises `Wrong`, and `Unbound` for `default`.
    """
    if isinstance(placed.form, DirectForm):
        return _common(placed, known, given or default())
    if found := tuple(terms_faults(placed)):
        raise Wrong(*found)
    wanted = _split(placed, known, given, default)
    if found := (*unjudged(placed, wanted), *unlabelled(placed, known, wanted)):
        raise Wrong(*found)
    return wanted


def _split(placed: PlacedDeployment, known: Known, given: Picked | None, default: Choose) -> DeploymentSpec:
    """What is wanted by a strategy that splits, or mirrors, the traffic."""
    form = placed.form
    match form:
        case BlueGreenForm(traffic_split=split) if split is not UNSET:
            return _blue_green(_common(placed, known, given or Picked(0)), placed, known, given)
        case AbForm():
            return _ab(_common(placed, known, given or Picked(0)), placed, known, given)
    wanted = _common(placed, known, given or default())
    match form:
        case CanaryForm():
            return replace(wanted, steps=_steps(placed, form))
        case ShadowForm():
            return replace(wanted, share=_share(placed, form))
    return wanted


def _common(placed: PlacedDeployment, known: Known, picked: Picked) -> DeploymentSpec:
    form = placed.form
    given: dict[str, Any] = {}
    if form.sticky is not UNSET:
        given["sticky"] = form.sticky
    if form.keep_warm is not UNSET:
        given["keep_warm"] = units.seconds(form.keep_warm)
    if not isinstance(form, DirectForm):
        given["terms"] = terms(placed)
    strategy: Any = form.__struct_config__.tag
    return DeploymentSpec(known.model, strategy, picked.number, follows=picked.alias, **given)


def _steps(placed: PlacedDeployment, form: CanaryForm) -> tuple[int, ...]:
    if (form.steps is UNSET) == (form.canary_percentage is UNSET):
        raise Wrong(placed.fault("a canary has either canary_percentage or steps", "steps"))
    try:
        if form.steps is not UNSET:
            return shares.steps(form.steps)
        first = shares.points(units.percent(form.canary_percentage) / 100)  # type: ignore[arg-type]
    except SharesInvalid as error:
        raise Wrong(placed.fault(str(error), "steps" if form.steps else "canary_percentage")) from error
    return (first, BASIS_POINTS) if first < BASIS_POINTS else (BASIS_POINTS,)


def _share(placed: PlacedDeployment, form: ShadowForm) -> int:
    try:
        return shares.points(units.fraction(form.share)) or _nothing()
    except SharesInvalid as error:
        raise Wrong(placed.fault(str(error), "share")) from error


def _nothing() -> int:
    msg = "a shadow that repeats no request compares nothing"
    raise SharesInvalid(msg)


def _blue_green(
    wanted: DeploymentSpec, placed: PlacedDeployment, known: Known, given: Picked | None
) -> DeploymentSpec:
    """The newer version is green, unless another one is said to be brought."""
    arms = _arms(placed, known)
    green = given.number if given else max(arms)
    if green not in arms:
        raise Wrong(placed.fault(f"version {green} is to be brought, and has no share here", "traffic_split"))
    if known.live is not None and known.live not in arms:
        why = f"version {known.live} answers now, and has no share here: blue is the version that answers"
        raise Wrong(placed.fault(why, "traffic_split"))
    blue = next(number for number in arms if number != green)
    return replace(wanted, candidate=green, arms=(Arm(blue, arms[blue]), Arm(green, arms[green])))


def _ab(
    wanted: DeploymentSpec, placed: PlacedDeployment, known: Known, given: Picked | None
) -> DeploymentSpec:
    """The last arm is the candidate."""
    arms = _arms(placed, known)
    last = [*arms][-1]
    if given and given.number != last:
        why = f"version {given.number} is to be brought, and is not the last arm of the split"
        raise Wrong(placed.fault(why, "traffic_split"))
    decide = isinstance(placed.form, AbForm) and placed.form.decide is True
    return replace(
        wanted,
        candidate=last,
        arms=tuple(Arm(number, weight) for number, weight in arms.items()),
        decide=decide,
    )


def _arms(placed: PlacedDeployment, known: Known) -> dict[int, int]:
    """Basis points by version, in the order they were written."""
    written: Any = placed.form.traffic_split  # type: ignore[union-attr]
    try:
        points = shares.split(written)
    except SharesInvalid as error:
        raise Wrong(placed.fault(str(error), "traffic_split")) from error
    arms: dict[int, int] = {}
    for name, weight in points.items():
        number = _version(placed, known, name)
        if number in arms:
            raise Wrong(
                placed.fault(
                    f"{name!r} is version {number}, which has a share already", "traffic_split", name
                )
            )
        arms[number] = weight
    return arms


def _version(placed: PlacedDeployment, known: Known, name: str) -> int:
    try:
        return known.version(name)
    except Unbound as error:
        raise Wrong(placed.fault(str(error), "traffic_split", name, code="document-unbound")) from error
