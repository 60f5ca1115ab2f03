"""From a `model_config` as written to how a model is served (CONTRACTS 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from modelport.control.documents.config_forms import ScalingForm
from modelport.control.documents.faults import Fault
from modelport.control.documents.reading import PlacedConfig
from modelport.core.deployment import ModelConfig, Overrides
from modelport.core.patterns import judged
from modelport.core.patterns.judged import BadPattern
from modelport.core.plan import Scaling


def config(placed: PlacedConfig) -> ModelConfig:
    """What a checked document says."""
    form = placed.form
    given = msgspec.to_builtins(form.parameters) if form.parameters else {}
    rules = msgspec.to_builtins(form.validation) if form.validation else None
    scaling = _scaling(form.scaling) if form.scaling else None
    return ModelConfig(Overrides(**given, validation=rules or None), scaling)


def faults(placed: PlacedConfig) -> Iterator[Fault]:
    """What no model could be served by."""
    form = placed.form
    if form.scaling:
        scaling = _scaling(form.scaling)
        if scaling.min_instances > scaling.max_instances:
            bounds = f"{scaling.min_instances} to {scaling.max_instances}"
            yield placed.fault(
                f"from {bounds} instances: max_instances is the larger", "scaling", "max_instances"
            )
    if form.validation:
        yield from _pattern_faults(placed)
        yield from _range_faults(placed)


def _scaling(form: ScalingForm) -> Scaling:
    least = 1 if form.min_instances is msgspec.UNSET else form.min_instances
    most = max(least, 1) if form.max_instances is msgspec.UNSET else form.max_instances
    return Scaling(least, most, form.auto_scale is True)


def _pattern_faults(placed: PlacedConfig) -> Iterator[Fault]:
    """Patterns are judged as they are where texts meet them: no replica has to refuse one."""
    rules = placed.form.validation
    assert rules is not msgspec.UNSET
    if rules.allowed_pattern:
        yield from _judged(placed, judged.allowed, rules.allowed_pattern, "allowed_pattern")
    for at, pattern in enumerate(rules.denied_patterns or ()):
        yield from _judged(placed, judged.denied, pattern, "denied_patterns", at)


def _judged(
    placed: PlacedConfig, judge: Callable[[str], object], pattern: str, *key: str | int
) -> Iterator[Fault]:
    try:
        judge(pattern)
    except BadPattern as error:
        yield placed.fault(str(error), "validation", *key, code=error.code)


def _range_faults(placed: PlacedConfig) -> Iterator[Fault]:
    rules = placed.form.validation
    assert rules is not msgspec.UNSET
    for column, (low, high) in (rules.ranges or {}).items():
        if low is not None and high is not None and low > high:
            yield placed.fault(f"no value lies from {low:g} to {high:g}", "validation", "ranges", column)
