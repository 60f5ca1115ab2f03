"""Models."""

from __future__ import annotations

from modelport.api.call import Call
from modelport.api.operation import ADMIN, ADMIN_OF_ALL, OPERATOR, VIEWER, Noun
from modelport.api.routes.queries import Between, Collect, FindModels
from modelport.core.names import check_name
from modelport.core.pages import Page
from modelport.core.records import Model
from modelport.core.sights import Change, Collected, ModelStatus
from modelport.core.wishes import ModelChange, NewModel

noun = Noun("models")


@noun.operation("GET", "/models", VIEWER)
def list_models(call: Call, query: FindModels) -> Page[Model]:
    """Models by name."""
    return call.platform.registry.models(
        call.project, text=query.q, tags=query.tags(), limit=query.limit, cursor=query.cursor
    )


@noun.operation("POST", "/models", OPERATOR, status=201)
def create_model(call: Call, body: NewModel) -> Model:
    """Make a model without versions."""
    check_name(body.name)
    return call.platform.registry.create_model(call.author, body)


@noun.operation("GET", "/models/{model}", VIEWER)
def get_model(call: Call, model: str) -> Model:
    """What is known about a model."""
    return call.platform.registry.model(call.project, model)


@noun.operation("PATCH", "/models/{model}", OPERATOR)
def change_model(call: Call, model: str, body: ModelChange) -> Model:
    """Change description, tags or gates."""
    return call.platform.registry.change_model(call.author, model, body)


@noun.operation("DELETE", "/models/{model}", ADMIN, status=204)
def delete_model(call: Call, model: str) -> None:
    """Delete a model with all its versions; refused while one is deployed or aliased."""
    call.platform.registry.delete_model(call.author, model)


@noun.operation("GET", "/models/{model}/status", VIEWER)
def get_model_status(call: Call, model: str) -> ModelStatus:
    """How a model is served: state and why, versions and shares, replicas, last errors."""
    return call.platform.deployments.status(call.project, model)


@noun.operation("GET", "/models/{model}/diff", VIEWER)
def diff_versions(call: Call, model: str, query: Between) -> tuple[Change, ...]:
    """What differs between two versions."""
    return call.platform.registry.diff(call.project, model, query.before, query.after)


@noun.operation("POST", "/garbage", ADMIN_OF_ALL)
def collect_garbage(call: Call, query: Collect) -> Collected:
    """Delete artifacts that no version, deployment, rollout or plan needs."""
    return call.platform.registry.collect(call.author, dry_run=query.dry_run)
