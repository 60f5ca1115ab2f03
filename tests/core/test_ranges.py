"""A range of a column that is not there protects nobody: it is refused where a model is packed and loaded."""

from __future__ import annotations

import pytest

from modelport.compile.arguments import check_ranges
from modelport.core.manifest import Parameters, Validation
from modelport.core.ranges import strangers
from modelport.core.signature import Field, Signature
from modelport.errors import BundleRefused, SettingsError
from modelport.serving.codecs.rules import rules_of

VECTOR = Signature("vector", (Field("input", "FP32", (-1, 2), columns=("age", "mean radius")),), ())
TABLE = Signature("columns", (Field("age", "INT64", (-1,)), Field("plan", "BYTES", (-1,))), ())


@pytest.mark.parametrize("signature", [VECTOR, TABLE])
def test_a_range_of_a_numeric_column_is_taken(signature: Signature) -> None:
    rules = Validation(ranges={"age": (0, 130)})
    assert strangers(rules.ranges, signature) == ""
    assert rules_of(rules, signature).ranges == rules.ranges
    check_ranges(Parameters(validation=rules), signature)


@pytest.mark.parametrize(
    ("signature", "name", "said"),
    [
        (VECTOR, "mean_radius", "did you mean 'mean radius'?"),
        (TABLE, "plan", "ranges names 'plan', no numeric column of this model"),
    ],
)
def test_a_range_of_anything_else_is_refused(signature: Signature, name: str, said: str) -> None:
    rules = Validation(ranges={name: (None, 1)})
    with pytest.raises(BundleRefused) as loading:
        rules_of(rules, signature)
    with pytest.raises(SettingsError) as packing:
        check_ranges(Parameters(validation=rules), signature)
    for refused in (loading.value, packing.value):
        assert refused.code == "unknown-column"
        assert said in refused.message
