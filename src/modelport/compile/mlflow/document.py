"""`MLmodel`, the document of an MLflow model folder, read as a stranger's YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from modelport.errors import SourceRefused, Unsupported

MARKER = "MLmodel"
_MOST = 1 << 20
_DEPTH = 32


class Signature(msgspec.Struct, frozen=True):
    """Inputs and outputs as MLflow writes them: JSON in a text."""

    inputs: str | None = None
    outputs: str | None = None


class Example(msgspec.Struct, frozen=True):
    """Where the example of an input is, and of what kind: `dataframe`, `ndarray` or another."""

    artifact_path: str
    type: str = ""


class Document(msgspec.Struct, frozen=True):
    """What is read of `MLmodel`; the rest is not looked at, requirements and environments above all.

    Attributes:
        flavors: how to load the model, by library.
        run_id, model_id: in the tracking server that it comes from.
    """

    flavors: dict[str, dict[str, Any]]
    mlflow_version: str = ""
    run_id: str | None = None
    model_id: str | None = None
    signature: Signature | None = None
    saved_input_example_info: Example | None = None


def read(folder: Path) -> Document:
    """The document of a folder.

    Raises `SourceRefused` (`mlflow-corrupt`), and `Unsupported` (`extra-missing`) without PyYAML.
    """
    try:
        with (folder / MARKER).open("rb") as file:
            text = file.read(_MOST + 1)
    except OSError as error:
        why = f"it cannot be read: {error.strerror}"
        raise corrupt(why) from error
    if len(text) > _MOST:
        why = "it is larger than a document is"
        raise corrupt(why)
    try:
        return msgspec.convert(_parsed(text), Document, strict=False)
    except msgspec.ValidationError as error:
        why = f"it is not in the form of MLflow: {error}"
        raise corrupt(why) from error


def corrupt(why: str) -> SourceRefused:
    """The refusal of a document."""
    hint = "a model folder is what mlflow's save_model and log_model write"
    return SourceRefused(f"the MLmodel document is refused: {why}", code="mlflow-corrupt", hint=hint)


def _parsed(text: bytes) -> Any:
    try:
        import yaml
    except ImportError as error:
        msg = "PyYAML, which reads MLflow's documents, is not installed"
        raise Unsupported(msg, code="extra-missing", hint="pip install 'modelport[platform]'") from error
    try:
        _check(yaml, text)
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        line = (str(error).splitlines() or ["?"])[0]
        why = f"it is no plain YAML: {line[:200]}"
        raise corrupt(why) from error


def _check(yaml: Any, text: bytes) -> None:
    """Refuse what MLflow never writes before anything is built of it: references, types, deep nesting.

    An alias stands for a copy, and copies of copies fill any memory; a tag names a type.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            why = "it refers to other places of itself"
            raise corrupt(why)
        tag = getattr(event, "tag", None)
        if tag:
            why = f"it names the type {tag[:80]!r}"
            raise corrupt(why)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            why = "it nests too deeply"
            raise corrupt(why)
