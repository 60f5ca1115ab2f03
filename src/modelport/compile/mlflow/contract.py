"""MLflow's signature: whether the rows of a sample are what the model was logged with."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from modelport.compile.mlflow.document import Document, corrupt
from modelport.compile.sample import Sample
from modelport.errors import Unsupported
from modelport.runtimes.batch import Array

_WHOLE = frozenset({"integer", "long"})
_NUMBERS = _WHOLE | {"float", "double"}
_KNOWN = _NUMBERS | {"boolean", "string"}


class Column(msgspec.Struct, frozen=True):
    """One input of a signature: a column, or a tensor (then without a type we look at)."""

    type: Any = ""
    name: str | None = None
    required: bool = True


def columns_of(document: Document) -> tuple[Column, ...]:
    """The named columns that the model was logged with; none where it was logged with tensors, or nothing.

    Raises `SourceRefused` (`mlflow-corrupt`), and `Unsupported` for a column of a type no table has.
    """
    if document.signature is None or document.signature.inputs is None:
        return ()
    try:
        found = msgspec.json.decode(document.signature.inputs, type=tuple[Column, ...])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        why = "its signature is not in the form of MLflow"
        raise corrupt(why) from error
    columns = tuple(each for each in found if each.name is not None and each.type != "tensor")
    for each in columns:
        if each.type not in _KNOWN:
            msg = (
                f"the column {each.name!r} is of the type {str(each.type)[:80]!r}, which no table of ours has"
            )
            raise Unsupported(msg, code="mlflow-signature", hint=f"what is read: {', '.join(sorted(_KNOWN))}")
    return columns


def check(columns: tuple[Column, ...], sample: Sample) -> None:
    """Whether the sample has the columns of a signature, each of its type.

    Raises `Unsupported` (`mlflow-signature`) naming the first column that differs. A sample without names is
    taken by places.
    """
    if not columns or sample.item not in {"vector", "columns"} or sample.positional or not sample.columns:
        return
    table = sample.as_columns()
    for column in columns:
        name = str(column.name)
        if name in table.columns:
            _check_type(column, table.batch.array(name))
        elif column.required:
            msg = f"the sample has no column {name!r}, which the model's signature names"
            hint = f"the sample has {', '.join(table.columns)[:300]}"
            raise Unsupported(msg, code="mlflow-signature", hint=hint)


def _check_type(column: Column, values: Array) -> None:
    fits = {
        "string": values.dtype.kind == "O",
        "boolean": values.dtype.kind == "b",
        **dict.fromkeys(_NUMBERS, values.dtype.kind in "iuf"),
        **dict.fromkeys(_WHOLE, values.dtype.kind in "iu" or _is_whole(values)),
    }
    if not fits[column.type]:
        held = {"O": "texts", "b": "truth values"}.get(values.dtype.kind, "fractions")
        msg = (
            f"the column {column.name!r} of the sample holds {held}, the model's signature says {column.type}"
        )
        raise Unsupported(msg, code="mlflow-signature", hint="give it as the model was logged with it")


def _is_whole(values: Array) -> bool:
    """Whether numbers that came as floats are whole ones, or absent."""
    if values.dtype.kind != "f":
        return False
    present = values[np.isfinite(values)]
    return bool((present == np.trunc(present)).all())
