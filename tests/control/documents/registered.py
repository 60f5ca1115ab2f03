"""What documents are bound to in tests: models, versions and aliases in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from modelport.core.deployment import DeploymentSpec
from modelport.core.records import Version


class Registered(msgspec.Struct, frozen=True):
    """A `Binding`: labels by version of each model, aliases, what is deployed, and tasks by model."""

    labels: Mapping[str, Sequence[str | None]] = {}
    pointed: Mapping[str, Mapping[str, int]] = {}
    answering: Mapping[str, int] = {}
    deployed: Mapping[str, DeploymentSpec] = {}
    tasks: Mapping[str, str] = {}

    def models(self) -> Sequence[str]:
        return sorted(self.labels)

    def versions(self, model: str) -> Sequence[Version] | None:
        if model not in self.labels:
            return None
        return [
            Version(model, number, "", "", 0, label, self.tasks.get(model, ""))
            for number, label in enumerate(self.labels[model], 1)
        ]

    def aliases(self, model: str) -> Mapping[str, int]:
        return self.pointed.get(model, {})

    def live(self, model: str) -> int | None:
        return self.answering.get(model)

    def wanted(self, model: str) -> DeploymentSpec | None:
        return self.deployed.get(model)


CHURN = Registered(
    labels={"churn": ["1.0.0", "2.1.0", None], "spam": [None], "document-classifier-v2": ["2.0.0", "2.1.0"]},
    pointed={"churn": {"champion": 2}},
    answering={"churn": 1},
    deployed={"churn": DeploymentSpec("churn", "direct", 1)},
)
"""Three versions of `churn`, the first live and the second its champion; nothing else is deployed."""
