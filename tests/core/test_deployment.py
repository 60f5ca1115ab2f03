"""What a deployment overrides of a bundle's own parameters, and what it leaves."""

from __future__ import annotations

from modelport.core.deployment import Overrides, overridden
from modelport.core.manifest import Parameters, Validation

OWN = Parameters(
    confidence_threshold=0.5, batch_size=64, validation=Validation(max_length=100, strip_html=True)
)


def test_what_is_not_given_stays_as_the_bundle_has_it() -> None:
    assert overridden(OWN, Overrides()) == OWN


def test_what_is_given_replaces_the_bundles_own() -> None:
    found = overridden(OWN, Overrides(confidence_threshold=0.85, max_tokens=512))
    assert found == Parameters(0.85, 64, 512, OWN.validation)


def test_single_rules_of_validation_are_replaced_and_the_others_kept() -> None:
    found = overridden(OWN, Overrides(validation={"max_length": 20, "denied_patterns": ["x+"]}))
    assert found.validation == Validation(max_length=20, strip_html=True, denied_patterns=("x+",))
