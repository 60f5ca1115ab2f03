"""Deployments: what is wanted of each endpoint."""

from __future__ import annotations

from typing import Any

from modelport.api.call import Call, Made
from modelport.api.operation import OPERATOR, VIEWER, VIEWER_ONLY, Noun
from modelport.api.routes.queries import BetweenNumbers, FindConfigurations, Paged
from modelport.core.deployment import Deployment
from modelport.core.pages import Page
from modelport.core.sights import Applied, Change, Configuration
from modelport.core.wishes import Apply, VersionWish

noun = Noun("deployments")


@noun.operation("POST", "/apply", OPERATOR)
def apply(call: Call, body: Apply) -> Applied:
    """Make documents of the configuration language true; the same again changes nothing."""
    return call.platform.deployments.apply(call.author, body)


@noun.operation("GET", "/schema", VIEWER)
def get_schema(call: Call) -> dict[str, Any]:
    """The JSON Schema of the configuration language."""
    return call.platform.deployments.schema()


@noun.operation("GET", "/deployments", VIEWER)
def list_deployments(call: Call, query: Paged) -> Page[Deployment]:
    """Deployments by endpoint."""
    return call.platform.deployments.list(call.project, limit=query.limit, cursor=query.cursor)


@noun.operation("GET", "/deployments/{endpoint}", VIEWER)
def get_deployment(call: Call, endpoint: str) -> Made[Deployment]:
    """An endpoint as it is wanted and as it is."""
    return _tagged(call.platform.deployments.get(call.project, endpoint))


@noun.operation("DELETE", "/deployments/{endpoint}", OPERATOR, status=204)
def delete_deployment(call: Call, endpoint: str) -> None:
    """Stop serving an endpoint; needs `If-Match` with its generation, or `*`."""
    generation = call.expected(required=True)
    call.platform.deployments.delete(call.author, endpoint, generation=generation)


@noun.operation("POST", "/deployments/{endpoint}/deploy", OPERATOR)
def deploy(call: Call, endpoint: str, body: VersionWish) -> Made[Deployment]:
    """Bring a version to an endpoint, by the strategy that is configured for it."""
    return _tagged(call.platform.deployments.deploy(call.author, endpoint, str(body.version)))


@noun.operation("POST", "/deployments/{endpoint}/activate", OPERATOR)
def activate(call: Call, endpoint: str, body: VersionWish) -> Made[Deployment]:
    """Give a version all traffic as soon as it is ready."""
    return _tagged(call.platform.deployments.activate(call.author, endpoint, str(body.version)))


@noun.operation("GET", "/configurations", VIEWER_ONLY)
def list_configurations(call: Call, query: FindConfigurations) -> Page[Configuration]:
    """Documents as they were applied, the newest version of each."""
    return call.platform.deployments.configurations(
        call.project, kind=query.kind, name=query.name, limit=query.limit, cursor=query.cursor
    )


@noun.operation("GET", "/configurations/{kind}/{name}", VIEWER_ONLY)
def get_configuration(call: Call, kind: str, name: str) -> Configuration:
    """A document as it was last applied."""
    return call.platform.deployments.configuration(call.project, kind, name)


@noun.operation("GET", "/configurations/{kind}/{name}/history", VIEWER_ONLY)
def list_configuration_history(call: Call, kind: str, name: str, query: Paged) -> Page[Configuration]:
    """Every version of a document, the newest first."""
    return call.platform.deployments.history(call.project, kind, name, limit=query.limit, cursor=query.cursor)


@noun.operation("GET", "/configurations/{kind}/{name}/diff", VIEWER_ONLY)
def diff_configurations(call: Call, kind: str, name: str, query: BetweenNumbers) -> tuple[Change, ...]:
    """What changed between two versions of a document."""
    return call.platform.deployments.configuration_diff(call.project, kind, name, query.before, query.after)


def _tagged(deployment: Deployment) -> Made[Deployment]:
    return Made(deployment, tag=str(deployment.generation))
