"""Feedback: truths that are learned later."""

from __future__ import annotations

from modelport.api.call import Call
from modelport.api.operation import VIEWER_ONLY, Needs, Noun
from modelport.api.routes.queries import Since
from modelport.core.pages import Page
from modelport.core.sights import FeedbackSeen, Taken
from modelport.core.wishes import Truth

noun = Noun("feedback")


@noun.operation("POST", "/models/{model}/feedback", Needs("operator", "feedback:{model}"))
def give_feedback(call: Call, model: str, body: Truth | tuple[Truth, ...]) -> Taken:
    """What predictions turned out to be: one truth or a list, again or in any order."""
    truths = body if isinstance(body, tuple) else (body,)
    return call.platform.feedback.take(call.author, model, truths)


@noun.operation("POST", "/v1/models/{model}/feedback", Needs("operator", "feedback:{model}"), prefix="")
def send_feedback(call: Call, model: str, body: Truth | tuple[Truth, ...]) -> Taken:
    """The same, named like the route that predictions are asked at."""
    return give_feedback(call, model, body)


@noun.operation("GET", "/models/{model}/feedback", VIEWER_ONLY)
def list_feedback(call: Call, model: str, query: Since) -> Page[FeedbackSeen]:
    """What was taken since, and whether its prediction was found and right."""
    return call.platform.feedback.since(
        call.project, model, query.since, limit=query.limit, cursor=query.cursor
    )
