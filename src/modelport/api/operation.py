"""One operation of the API as a value: what it is called, who may do it, what goes in and comes out.

Routing, the one layer of security and the OpenAPI document are all made of the same table of these, so a
route that is not in it does not exist, and none is there without saying what it needs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from modelport.api.call import Made
from modelport.core.roles import Role

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
SAFE = frozenset({"GET", "HEAD"})
FREE = frozenset({"ref", "id", "file", "kind"})
"""Parts of a path that are no names; whoever reads them checks them."""
PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Needs:
    """Who may: everyone (`role` None), or people from this role on and services with this scope.

    `{model}` in the scope stands for that part of the path; services may not at all when it is empty. What
    is of the whole control plane and not of one project (`whole`) is for people of the project `default`.
    """

    role: Role | None
    scope: str = ""
    whole: bool = False


PUBLIC = Needs(None)
VIEWER = Needs("viewer", "models:read")
VIEWER_ONLY = Needs("viewer")
OPERATOR = Needs("operator")
ADMIN = Needs("admin")
ADMIN_OF_ALL = Needs("admin", whole=True)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the API can do.

    Attributes:
        method, path: `GET`, `/api/v1/models/{model}`.
        name: operationId; also the action in the journal when it is refused.
        summary: one line.
        noun: under which it is documented.
        needs: who may.
        work: the function; called in a thread, or on the loop when it is `async`.
        query, body: structs of what is sent, None for none.
        answer: of what comes back; None for nothing.
        status: when it went well.
        takes, gives: content types other than JSON.
        secret: the answer is shown once and kept nowhere.
        audited: a refusal is told in the journal; not so for what replicas send all the time.
    """

    method: Method
    path: str
    name: str
    summary: str
    noun: str
    needs: Needs
    work: Callable[..., Any]
    query: Any = None
    body: Any = None
    answer: Any = None
    status: int = 200
    takes: str = ""
    gives: str = ""
    secret: bool = False
    audited: bool = True

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names in its path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def waits(self) -> bool:
        """Whether `work` runs on the loop, and makes the response itself."""
        return inspect.iscoroutinefunction(self.work)


Work = TypeVar("Work", bound=Callable[..., Any])


@dataclass(slots=True)
class Noun:
    """Collects the operations of one noun; shapes are read from the annotations of their functions.

    Of a function, `call` is the call, `query` and `body` what was sent, and the rest are parts of the path.
    """

    name: str
    operations: list[Operation] = field(default_factory=list)

    def operation(
        self, method: Method, path: str, needs: Needs, *, prefix: str = PREFIX, **more: Any
    ) -> Callable[[Work], Work]:
        """Declare the function below an operation; its docstring's first line is the summary."""

        def declare(work: Work) -> Work:
            shapes = get_type_hints(work)
            summary = (inspect.getdoc(work) or "").partition("\n")[0]
            waits = inspect.iscoroutinefunction(work)
            given = {
                "query": shapes.get("query"),
                "body": shapes.get("body"),
                "answer": None if waits else _plain(shapes["return"]),
                **more,
            }
            name = work.__name__.rstrip("_")
            self.operations.append(
                Operation(method, prefix + path, name, summary, self.name, needs, work, **given)
            )
            return work

        return declare


def _plain(shape: Any) -> Any:
    """What a function gives back, or an answer of it with a status or a tag, or nothing."""
    if shape is type(None):
        return None
    return get_args(shape)[0] if get_origin(shape) is Made else shape
