"""The operations of the API, one file per noun. What is not in this table does not exist."""

from modelport.api.routes import (
    access,
    aliases,
    deployments,
    feedback,
    fleets,
    models,
    operations,
    rollouts,
    system,
    versions,
)

NOUNS = (
    system.noun,
    models.noun,
    versions.noun,
    aliases.noun,
    deployments.noun,
    rollouts.noun,
    feedback.noun,
    operations.noun,
    access.noun,
    fleets.noun,
)
