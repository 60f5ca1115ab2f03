"""From a text to documents: read, checked against their forms, not yet bound to models and versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from modelport.control.documents import json_text, yaml_text
from modelport.control.documents.checking import conform
from modelport.control.documents.config_forms import ModelConfigForm
from modelport.control.documents.faults import Fault, refused, syntax
from modelport.control.documents.forms import LATER, DeploymentForm, FileForm
from modelport.control.documents.limits import check_size
from modelport.control.documents.nodes import Node, Path, Place, place, pointer

Format = Literal["yaml", "json"]


class Placed(msgspec.Struct, frozen=True):
    """A document, and where it stands.

    Attributes:
        form: as it was written.
        node: the file it stands in; `path` leads to it there.
    """

    form: Any
    node: Node
    path: Path

    def fault(self, message: str, *path: str | int, code: str = "") -> Fault:
        """A fault at a key of this document."""
        whole = (*self.path, *path)
        return Fault(place(self.node, whole), pointer(whole), message, code)

    def written(self) -> dict[str, Any]:
        """The document as JSON data, with what was written and nothing else."""
        document: dict[str, Any] = msgspec.to_builtins(self.form)
        return document


class PlacedConfig(Placed, frozen=True):
    """A `model_config`."""

    form: ModelConfigForm


class PlacedDeployment(Placed, frozen=True):
    """A `deployment`."""

    form: DeploymentForm


class Documents(msgspec.Struct, frozen=True):
    """All documents of a text, in its order."""

    configs: tuple[PlacedConfig, ...] = ()
    deployments: tuple[PlacedDeployment, ...] = ()


def read(text: str, format: Format = "yaml") -> Documents:  # noqa: A002 - the word of the API
    """The documents of a text.

    Raises `BadRequest` (`document-syntax`) for a text that cannot be read, `TooLarge`, and `InvalidInput`
    naming every fault with line and column: `document-invalid`, or `document-later` for documents that this
    version does not carry out.
    """
    files = _files(text, format)
    faults: list[Fault] = []
    forms = [(node, _file(node, faults)) for node in files]
    if faults:
        raise refused(faults)
    found = Documents(
        tuple(each for node, form in forms if form for each in _configs(node, form)),
        tuple(each for node, form in forms if form for each in _deployments(node, form)),
    )
    if not found.configs and not found.deployments:
        raise syntax(Place(1, 1), "there is no document: begin with deployment: or model_config:")
    return found


def _files(text: str, format: Format) -> tuple[Node, ...]:  # noqa: A002
    check_size(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise syntax(Place(1, 1), "it is no text: half of a surrogate pair is no character") from error
    plain = text.removeprefix("\ufeff")
    return (json_text.read(plain),) if format == "json" else yaml_text.read(plain)


def _file(node: Node, faults: list[Fault]) -> FileForm | None:
    known = node
    if isinstance(node.value, dict):
        for name in LATER:
            if name in node.value:
                msg = f"{name!r} comes with a later version of Modelport; this one carries out none"
                faults.append(Fault(node.value[name].at, pointer((name,)), msg, code="document-later"))
        rest = {name: member for name, member in node.value.items() if name not in LATER}
        known = Node(node.at, rest)
    return conform(known, FileForm, faults)


def _configs(node: Node, form: FileForm) -> Iterator[PlacedConfig]:
    if form.model_config:
        yield PlacedConfig(form.model_config, node, ("model_config",))
    for at, each in enumerate(_given(form.models)):
        yield PlacedConfig(each, node, ("models", at))


def _deployments(node: Node, form: FileForm) -> Iterator[PlacedDeployment]:
    if form.deployment:
        yield PlacedDeployment(form.deployment, node, ("deployment",))
    for at, each in enumerate(_given(form.deployments)):
        yield PlacedDeployment(each, node, ("deployments", at))


def _given(forms: Any) -> Sequence[Any]:
    return () if forms is msgspec.UNSET else forms
