"""A `deployment`, and a file of documents, as people write them: every key, what it takes, and what it means.

Here, and in `config_forms.py`, is the one place where keys are described. The reader, the published JSON
Schema and the page docs/reference/documents.md follow from it. A key that is left out is `UNSET`, so that
what was written can be told from what is assumed.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modelport.control.documents.config_forms import ModelConfigForm
from modelport.control.documents.kinds import (
    Count,
    Duration,
    Latency,
    Least,
    ModelName,
    Most,
    Percentage,
    Portion,
    Share,
    VersionName,
    key,
)
from modelport.core.deployment import Ending, Requirement
from modelport.core.plan import StickyBy


class CriteriaForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a candidate has to keep. The guards are on whether or not anything is asked here."""

    accuracy_threshold: (
        Annotated[
            Least,
            key(
                "Fewest right predictions of the candidate among those that feedback has judged. Numbers are "
                "not right or wrong: a model that answers with numbers is refused.",
                example=0.9,
            ),
        ]
        | UnsetType
    ) = UNSET
    latency_p95: (
        Annotated[
            Latency,
            key(
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
            key(
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
            key(
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
            key(
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
            key(
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
            key(
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
            key(
                "How long the former version stays loaded after a promotion, for an instant rollback.",
                default="15m",
            ),
        ]
        | UnsetType
    ) = UNSET


class _Judged(_Common, frozen=True, forbid_unknown_fields=True, kw_only=True):
    promotion_criteria: Annotated[CriteriaForm, key("What the candidate has to keep.")] | UnsetType = UNSET
    success_criteria: (
        Annotated[CriteriaForm, key("Another word for `promotion_criteria`; a document has one of them.")]
        | UnsetType
    ) = UNSET
    require: (
        Annotated[
            Requirement,
            key(
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
            key(
                "Chance of a wrong verdict over the whole rollout, however often it is looked at.",
                default="1%",
            ),
        ]
        | UnsetType
    ) = UNSET
    min_requests: (
        Annotated[Count, key("Fewest requests of the candidate before a promotion.", default=500)] | UnsetType
    ) = UNSET
    min_duration: (
        Annotated[Duration, key("Shortest time of a step before the next.", default="10m")] | UnsetType
    ) = UNSET
    max_duration: (
        Annotated[Duration, key("After it, `on_timeout` says what happens.", default="24h")] | UnsetType
    ) = UNSET
    on_timeout: (
        Annotated[
            Ending,
            key(
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
        Annotated[Percentage, key("The candidate's first share in percent; the next is all.", example=10)]
        | UnsetType
    ) = UNSET
    steps: (
        Annotated[
            Annotated[list[Percentage], Meta(min_length=1, max_length=50)],
            key(
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
            key(
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
        key(
            "Shares of the versions, the first being the baseline; they sum to 1, or to 100.",
            example={"1": 50, "2": 50},
        ),
    ]
    decide: (
        Annotated[bool, key("The arm that is shown to be best gets all traffic.", default=False)] | UnsetType
    ) = UNSET


class ShadowForm(_Judged, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="shadow"):
    """The candidate repeats requests after their answers have left, and is compared; it answers nobody."""

    share: Annotated[Share, key("Share of the requests that is repeated.", example="10%")]


DeploymentForm = DirectForm | CanaryForm | BlueGreenForm | AbForm | ShadowForm


class FileForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of documents. `modelport.yaml` describes a whole application with `models` and `deployments`."""

    model_config: Annotated[ModelConfigForm, key("How a model is served.")] | UnsetType = UNSET
    deployment: Annotated[DeploymentForm, key("How a version gets to its callers.")] | UnsetType = UNSET
    models: (
        Annotated[
            Annotated[list[ModelConfigForm], Meta(min_length=1)],
            key("Several `model_config`, one for each model."),
        ]
        | UnsetType
    ) = UNSET
    deployments: (
        Annotated[
            Annotated[list[DeploymentForm], Meta(min_length=1)],
            key("Several `deployment`, one for each model."),
        ]
        | UnsetType
    ) = UNSET


LATER = ("training_config", "drift_monitoring", "data_pipeline")
"""Documents that are known and come with a later version."""
