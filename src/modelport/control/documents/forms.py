"""The documents as people write them: every key, what it takes, and what it means.

This is the one place where keys are described. The reader, the published JSON Schema and the page
docs/reference/documents.md follow from it. A key that is left out is `UNSET`, so that what was written can be
told from what is assumed.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modelport.control.documents.units import DURATION, LATENCY, LEAST, MOST, PERCENT
from modelport.core.deployment import Ending, Requirement
from modelport.core.plan import StickyBy


def _key(description: str, *, say: str = "", default: Any = UNSET, example: Any = UNSET) -> Meta:
    """What a key means. `say` ends the sentence "it takes …" of a fault; `default` is as people write it."""
    schema: dict[str, Any] = {}
    if default is not UNSET:
        schema["default"] = default
    if example is not UNSET:
        schema["examples"] = [example]
    return Meta(description=description, extra_json_schema=schema, extra={"say": say} if say else None)


def _takes(say: str) -> Meta:
    return Meta(extra={"say": say})


Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Instances = Annotated[int, Meta(ge=0, le=10_000)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Most = Annotated[
    Annotated[float, Meta(gt=0, lt=1)] | Annotated[str, Meta(pattern=MOST)],
    _takes("a percentage such as '< 1%', or a fraction below 1 such as 0.01"),
]
Least = Annotated[
    Annotated[float, Meta(gt=0, lt=1)] | Annotated[str, Meta(pattern=LEAST)],
    _takes("a fraction below 1 such as 0.9, or a percentage such as '90%'"),
]
Latency = Annotated[str, Meta(pattern=LATENCY), _takes("a time with its unit, ms or s, such as '200ms'")]
Duration = Annotated[
    str, Meta(pattern=DURATION), _takes("a time with its unit, ms, s, m, h or d, such as '10m'")
]
Percentage = Annotated[
    Annotated[float, Meta(gt=0, le=100)] | Annotated[str, Meta(pattern=PERCENT)],
    _takes("a percentage above 0 and up to 100, such as 10 or '10%'"),
]
Portion = Annotated[
    Annotated[float, Meta(ge=0, le=100)] | Annotated[str, Meta(pattern=PERCENT)],
    _takes("a fraction such as 0.2, or a percentage such as 20 or '20%'"),
]
Share = Annotated[
    Annotated[float, Meta(gt=0, le=1)] | Annotated[str, Meta(pattern=PERCENT)],
    _takes("a fraction up to 1 such as 0.1, or a percentage such as '10%'"),
]
VersionName = Annotated[
    Annotated[int, Meta(ge=1, le=999_999_999)] | Annotated[str, Meta(min_length=1, max_length=200)],
    _takes("a version: a number, or in quotes a label or an alias, such as 2, '2.1.0' or 'champion'"),
]
ModelName = Annotated[str, Meta(min_length=1, max_length=200), _takes("the name of a model")]


class ParametersForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the owner overrides of the bundle's own parameters."""

    confidence_threshold: (
        Annotated[
            Fraction,
            _key("An answer below it says `below_threshold: true`; the prediction stays.", example=0.85),
        ]
        | UnsetType
    ) = UNSET
    batch_size: Annotated[Count, _key("Most rows in one batch.", example=32)] | UnsetType = UNSET
    max_tokens: (
        Annotated[
            Count, _key("Model input is truncated to this many tokens, and the answer says so.", example=512)
        ]
        | UnsetType
    ) = UNSET


class ScalingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Instances of the model in the fleet."""

    min_instances: (
        Annotated[
            Instances,
            _key(
                "Fewest instances. From 1 on the model is never evicted; 0 loads it when it is asked for.",
                default=1,
            ),
        ]
        | UnsetType
    ) = UNSET
    max_instances: (
        Annotated[
            Annotated[int, Meta(ge=1, le=10_000)],
            _key(
                "Most instances, `min_instances` if left out. What the machine cannot give stays an upper "
                "bound, and "
                "`models status` says what limits it.",
                example=10,
            ),
        ]
        | UnsetType
    ) = UNSET
    auto_scale: (
        Annotated[bool, _key("Instances move between the two with the load, with hysteresis.", default=False)]
        | UnsetType
    ) = UNSET


class ValidationForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Input rules: one cleans, and the answer's `notes` say so, or it refuses the item."""

    max_length: Annotated[Count, _key("Longest text accepted, in characters.", example=10000)] | UnsetType = (
        UNSET
    )
    strip_html: Annotated[bool, _key("Tags are removed before the model sees a text.")] | UnsetType = UNSET
    collapse_whitespace: (
        Annotated[bool, _key("Runs of white space become one space, and the ends are trimmed.")] | UnsetType
    ) = UNSET
    allowed_pattern: (
        Annotated[
            Annotated[str, Meta(max_length=10_000)],
            _key("The whole text must match this regular expression."),
        ]
        | UnsetType
    ) = UNSET
    denied_patterns: (
        Annotated[
            list[Annotated[str, Meta(max_length=10_000)]],
            _key("No part of a text may match one of these regular expressions."),
        ]
        | UnsetType
    ) = UNSET
    ranges: (
        Annotated[
            dict[str, Annotated[list[float | None], Meta(min_length=2, max_length=2)]],
            _key(
                "By numeric column, the smallest and the largest value accepted; null sets no bound.",
                example={"age": [0, 130]},
            ),
        ]
        | UnsetType
    ) = UNSET
    allow_nonfinite: (
        Annotated[bool, _key("NaN and infinities are accepted in numeric input.")] | UnsetType
    ) = UNSET


class ModelConfigForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a model is served, whatever version."""

    name: (
        Annotated[ModelName, _key("Which model it is about; `--model` goes before it.", example="churn")]
        | UnsetType
    ) = UNSET
    version: (
        Annotated[
            VersionName,
            _key(
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
        Annotated[ParametersForm, _key("Overrides of the bundle's own; what is left out keeps the bundle's.")]
        | UnsetType
    ) = UNSET
    scaling: Annotated[ScalingForm, _key("Instances. Left out: one, never evicted.")] | UnsetType = UNSET
    validation: (
        Annotated[ValidationForm, _key("Input rules. What is left out keeps the bundle's.")] | UnsetType
    ) = UNSET


class CriteriaForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a candidate has to keep. The guards are on whether or not anything is asked here."""

    accuracy_threshold: (
        Annotated[
            Least,
            _key(
                "Fewest right predictions of the candidate among those that feedback has judged.", example=0.9
            ),
        ]
        | UnsetType
    ) = UNSET
    latency_p95: (
        Annotated[
            Latency,
            _key(
                "Longest 95th percentile of the candidate, from last byte received to answer ready, "
                "without answers "
                "from the cache.",
                example="200ms",
            ),
        ]
        | UnsetType
    ) = UNSET
    error_rate: (
        Annotated[
            Most,
            _key(
                "Most predictions of the candidate that end in a fault of the model or the server; "
                "callers' own "
                "faults are not counted.",
                example="< 1%",
            ),
        ]
        | UnsetType
    ) = UNSET
    performance_degradation: (
        Annotated[
            Most,
            _key(
                "Most relative worsening against the version that answers at the same time: of p95 "
                "latency, and of "
                "accuracy where there is feedback.",
                example="< 5%",
            ),
        ]
        | UnsetType
    ) = UNSET


class _Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy"):
    model: (
        Annotated[
            ModelName,
            _key(
                "Which model; `--model` goes before it. Left out: the one `model_config` of the same "
                "file. `churn@champion` follows "
                "the alias: moving it starts the strategy anew.",
                example="churn",
            ),
        ]
        | UnsetType
    ) = UNSET
    version: (
        Annotated[
            VersionName,
            _key(
                "Which version is to get there: a number, a label, or an alias, which is then followed; "
                "`--version` goes before it. Left out: that of the `model_config` of the same file, else "
                "the newest one.",
                example=2,
            ),
        ]
        | UnsetType
    ) = UNSET
    sticky: (
        Annotated[
            StickyBy,
            _key(
                "What stays at one version: `user` (header `x-user-id`, else `parameters.user_id`), "
                "`caller` (the "
                "API key) or `request` (nothing).",
                default="user",
            ),
        ]
        | UnsetType
    ) = UNSET
    keep_warm: (
        Annotated[
            Duration,
            _key(
                "How long the former version stays loaded after a promotion, for an instant rollback.",
                default="15m",
            ),
        ]
        | UnsetType
    ) = UNSET


class _Judged(_Common, frozen=True, forbid_unknown_fields=True, kw_only=True):
    promotion_criteria: Annotated[CriteriaForm, _key("What the candidate has to keep.")] | UnsetType = UNSET
    success_criteria: (
        Annotated[CriteriaForm, _key("Another word for `promotion_criteria`; a document has one of them.")]
        | UnsetType
    ) = UNSET
    require: (
        Annotated[
            Requirement,
            _key(
                "`not_worse` promotes when no harm is shown and every estimate holds; `proven`, only when "
                "every bound "
                "lies wholly inside its limit.",
                default="not_worse",
            ),
        ]
        | UnsetType
    ) = UNSET
    error_level: (
        Annotated[
            Most,
            _key(
                "Chance of a wrong verdict over the whole rollout, however often it is looked at.",
                default="1%",
            ),
        ]
        | UnsetType
    ) = UNSET
    min_requests: (
        Annotated[Count, _key("Fewest requests of the candidate before a promotion.", default=500)]
        | UnsetType
    ) = UNSET
    min_duration: (
        Annotated[Duration, _key("Shortest time of a step before the next.", default="10m")] | UnsetType
    ) = UNSET
    max_duration: (
        Annotated[Duration, _key("After it, `on_timeout` says what happens.", default="24h")] | UnsetType
    ) = UNSET
    on_timeout: (
        Annotated[
            Ending,
            _key(
                "How a rollout ends that evidence did not end; `hold` leaves it to a person.", default="hold"
            ),
        ]
        | UnsetType
    ) = UNSET


class DirectForm(_Common, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="direct"):
    """All traffic to the version as soon as it is ready."""


class CanaryForm(_Judged, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="canary"):
    """A growing share of the traffic, judged at every step."""

    canary_percentage: (
        Annotated[Percentage, _key("The candidate's first share in percent; the next is all.", example=10)]
        | UnsetType
    ) = UNSET
    steps: (
        Annotated[
            Annotated[list[Percentage], Meta(min_length=1, max_length=50)],
            _key(
                "The candidate's shares in percent, one after the other, growing, the last 100; in place of "
                "`canary_percentage`.",
                example=[5, 25, 100],
            ),
        ]
        | UnsetType
    ) = UNSET


class BlueGreenForm(_Judged, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="blue_green"):
    """Two versions, both warm; all traffic to green when it is judged good."""

    traffic_split: (
        Annotated[
            Annotated[dict[str, Portion], Meta(min_length=2, max_length=2)],
            _key(
                "Shares of the two versions while green is judged; they sum to 1, or to 100. Left out: "
                "all traffic at "
                "once, blue kept warm.",
                example={"model_v1": 0.2, "model_v2": 0.8},
            ),
        ]
        | UnsetType
    ) = UNSET


class AbForm(_Judged, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="ab"):
    """Several versions beside each other; the same user always gets the same one."""

    traffic_split: Annotated[
        Annotated[dict[str, Portion], Meta(min_length=2, max_length=20)],
        _key(
            "Shares of the versions, the first being the baseline; they sum to 1, or to 100.",
            example={"1": 50, "2": 50},
        ),
    ]
    decide: (
        Annotated[bool, _key("The arm that is shown to be best gets all traffic.", default=False)] | UnsetType
    ) = UNSET


class ShadowForm(_Judged, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="shadow"):
    """The candidate repeats requests after their answers have left, and is compared; it answers nobody."""

    share: Annotated[Share, _key("Share of the requests that is repeated.", example="10%")]


DeploymentForm = DirectForm | CanaryForm | BlueGreenForm | AbForm | ShadowForm


class FileForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of documents. `modelport.yaml` describes a whole application with `models` and `deployments`."""

    model_config: Annotated[ModelConfigForm, _key("How a model is served.")] | UnsetType = UNSET
    deployment: Annotated[DeploymentForm, _key("How a version gets to its callers.")] | UnsetType = UNSET
    models: (
        Annotated[
            Annotated[list[ModelConfigForm], Meta(min_length=1)],
            _key("Several `model_config`, one for each model."),
        ]
        | UnsetType
    ) = UNSET
    deployments: (
        Annotated[
            Annotated[list[DeploymentForm], Meta(min_length=1)],
            _key("Several `deployment`, one for each model."),
        ]
        | UnsetType
    ) = UNSET


LATER = ("training_config", "drift_monitoring", "data_pipeline")
"""Documents that are known and come with a later version."""
