"""A `model_config` as people write it (CONTRACTS 3): every key, what it takes, and what it means."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modelport.control.documents.kinds import Count, Fraction, Instances, ModelName, VersionName, key


class ParametersForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the owner overrides of the bundle's own parameters."""

    confidence_threshold: (
        Annotated[
            Fraction,
            key(
                "An answer below it says `below_threshold: true`; the prediction stays. A model without a "
                "confidence is refused.",
                example=0.85,
            ),
        ]
        | UnsetType
    ) = UNSET
    batch_size: Annotated[Count, key("Most rows in one batch.", example=32)] | UnsetType = UNSET
    max_tokens: (
        Annotated[
            Count,
            key(
                "Model input is truncated to this many tokens, and the answer says so. "
                "A model without tokens has nothing to cut.",
                example=512,
            ),
        ]
        | UnsetType
    ) = UNSET


class ScalingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Instances of the model in the fleet."""

    min_instances: (
        Annotated[
            Instances,
            key(
                "Fewest instances. From 1 on the model is never evicted; 0 loads it when it is asked for.",
                default=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    max_instances: (
        Annotated[
            Annotated[int, Meta(ge=1, le=10_000)],
            key(
                "Most instances, `min_instances` if left out; without `auto_scale`, so many from the start. "
                "What the machine cannot give stays an upper bound, and `models status` says what limits it.",
                example=10,
            ),
        ]
        | UnsetType
    ) = UNSET
    auto_scale: (
        Annotated[bool, key("Instances move between the two with the load, with hysteresis.", default=False)]
        | UnsetType
    ) = UNSET


class ValidationForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Input rules: one cleans, and the answer's `notes` say so, or it refuses the item."""

    max_length: Annotated[Count, key("Longest text accepted, in characters.", example=10000)] | UnsetType = (
        UNSET
    )
    strip_html: Annotated[bool, key("Tags are removed before the model sees a text.")] | UnsetType = UNSET
    collapse_whitespace: (
        Annotated[bool, key("Runs of white space become one space, and the ends are trimmed.")] | UnsetType
    ) = UNSET
    allowed_pattern: (
        Annotated[
            Annotated[str, Meta(max_length=10_000)],
            key("The whole text must match this regular expression."),
        ]
        | UnsetType
    ) = UNSET
    denied_patterns: (
        Annotated[
            list[Annotated[str, Meta(max_length=10_000)]],
            key("No part of a text may match one of these regular expressions."),
        ]
        | UnsetType
    ) = UNSET
    ranges: (
        Annotated[
            dict[str, Annotated[list[float | None], Meta(min_length=2, max_length=2)]],
            key(
                "By numeric column, the smallest and the largest value accepted; null sets no bound.",
                example={"age": [0, 130]},
            ),
        ]
        | UnsetType
    ) = UNSET
    allow_nonfinite: Annotated[bool, key("NaN and infinities are accepted in numeric input.")] | UnsetType = (
        UNSET
    )


class ModelConfigForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model is served, whatever version."""

    name: (
        Annotated[ModelName, key("Which model it is about; `--model` goes before it.", example="churn")]
        | UnsetType
    ) = UNSET
    version: (
        Annotated[
            VersionName,
            key(
                "The version that a deployment in the same file brings, when it does not say one. Without "
                "such a "
                "deployment: the version that is live or on its way; where nothing is deployed yet, it is "
                "deployed.",
                example="2.1.0",
            ),
        ]
        | UnsetType
    ) = UNSET
    parameters: (
        Annotated[ParametersForm, key("Overrides of the bundle's own; what is left out keeps the bundle's.")]
        | UnsetType
    ) = UNSET
    scaling: Annotated[ScalingForm, key("Instances. Left out: one, never evicted.")] | UnsetType = UNSET
    validation: (
        Annotated[ValidationForm, key("Input rules. What is left out keeps the bundle's.")] | UnsetType
    ) = UNSET
