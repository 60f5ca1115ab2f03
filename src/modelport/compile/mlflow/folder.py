"""A model folder of MLflow unfolded: the model inside, with rows to prove it on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelport.compile.mlflow import contract, document, example, flavours, history
from modelport.compile.mlflow.contract import Column
from modelport.compile.sample import Sample
from modelport.errors import Unsupported


@dataclass(frozen=True, slots=True)
class Given:
    """What there is to pack.

    Attributes:
        path: the model's file or folder.
        sample: the file of rows.
        source, tags: for the bundle's `About`, beside what the compiler says.
    """

    path: Path
    sample: Path
    source: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def given(path: Path, sample: Path | None, scratch: Path, *, without: str | None = None) -> Given:
    """What there is to pack in `path`: itself, unless it is a folder of MLflow.

    In a folder, the model is that of its library's flavour, and its example stands for a `sample` that is not
    given. The sample must fit the folder's signature; `without` is a column the model does not see. `scratch`
    is an empty folder for files that are made. Raises `Unsupported` (`no-sample`, `mlflow-signature`) and
    `SourceRefused` (`mlflow-corrupt`, `mlflow-flavour`).
    """
    if not (path.is_dir() and (path / document.MARKER).is_file()):
        if sample is None:
            msg = "the model needs rows to be proven on"
            raise Unsupported(msg, code="no-sample", hint="give --sample rows.csv, or sample=")
        return Given(path, sample)
    found = document.read(path)
    flavour, model = flavours.model_of(path, found)
    columns = contract.columns_of(found)
    rows = example.write(path, found, scratch) if sample is None else sample
    _check(columns, rows, without)
    return Given(
        _whole(path, flavour, model, scratch),
        rows,
        history.source_of(found, flavour),
        history.tags_of(path),
    )


def _check(columns: tuple[Column, ...], rows: Path, without: str | None) -> None:
    if columns:
        contract.check(columns, Sample.read(rows, without=without))


def _whole(folder: Path, flavour: str, model: Path, scratch: Path) -> Path:
    """A model of transformers with its tokenizer, which MLflow keeps in a folder of its own; others as is."""
    parts = folder / "components"
    if flavour != "transformers" or not parts.is_dir():
        return model
    whole = scratch / "model"
    for each in (parts / "tokenizer", model):
        if each.is_dir() and not each.is_symlink():
            shutil.copytree(each, whole, symlinks=True, dirs_exist_ok=True)
    return whole
