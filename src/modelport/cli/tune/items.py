"""What to ask while measuring: rows of a file, or the golden rows of the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelport.bundle.reader import Bundle
from modelport.client import Client, ItemError
from modelport.core.signature import Signature
from modelport.errors import InvalidInput

MOST = 128
"""Items asked in turn, at most: of a longer file, evenly spread ones."""


def items_of(bundle: Bundle, sample: Path | None, labels_column: str | None) -> list[Any]:
    """Items as callers send them. Raises `InvalidInput` when there is nothing to ask."""
    if sample is not None:
        found = _of_file(sample, labels_column, bundle.manifest.signature)
        return found[:: -(-len(found) // MOST)]
    golden = bundle.golden()
    if golden is None or not golden.rows:
        msg = "the bundle has no golden rows to ask with"
        raise InvalidInput(msg, hint="give --sample, a file of rows as callers send them")
    return _items(golden.inputs, bundle.manifest.signature, golden.rows)


def answered(url: str, name: str, items: Sequence[Any]) -> list[Any]:
    """Those of the items that the server answers: golden rows hold odd ones.

    Raises `InvalidInput` when it answers none.
    """
    with Client(url) as client:
        entries = list(client.predict_many(name, items))
    good = [item for item, entry in zip(items, entries, strict=True) if not isinstance(entry, ItemError)]
    if not good:
        last = entries[-1]
        msg = f"the server answers none of the rows: {last.error if isinstance(last, ItemError) else ''}"
        raise InvalidInput(msg, hint="give --sample, a file of rows as callers send them")
    return good


def _of_file(path: Path, labels_column: str | None, signature: Signature) -> list[Any]:
    from modelport.compile.sample import Sample

    sample = Sample.read(path, without=labels_column)
    tensors = {name: sample.batch.array(name).tolist() for name in sample.batch.tensors}
    return _items(tensors, signature, len(sample))


def _items(tensors: dict[str, list[Any]], signature: Signature, rows: int) -> list[Any]:
    """One item per row, in the form that the signature says."""
    names = [field.name for field in signature.inputs]
    missing = [name for name in names if name not in tensors]
    if missing:
        msg = f"the rows lack {missing[0]!r}, which the model takes"
        raise InvalidInput(msg, hint=f"it takes {', '.join(names[:20])}")
    if signature.item in {"vector", "text"}:
        return list(tensors[names[0]])
    return [{name: tensors[name][row] for name in names} for row in range(rows)]
