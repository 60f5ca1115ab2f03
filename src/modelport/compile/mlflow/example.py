"""MLflow's input example as a sample file of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelport.compile.mlflow.document import Document, corrupt
from modelport.compile.mlflow.flavours import inside
from modelport.errors import Unsupported

_MOST = 256 << 20


def write(folder: Path, document: Document, target: Path) -> Path:
    """The rows of the folder's example as JSONL in the folder `target`.

    Raises `Unsupported` (`no-sample`) when there is no example that holds rows.
    """
    info = document.saved_input_example_info
    if info is None or info.type not in {"dataframe", "ndarray"}:
        msg = "the model needs rows to be proven on, and its folder holds no example of any"
        raise Unsupported(msg, code="no-sample", hint="give --sample, or log the model with input_example=")
    rows = _rows(_read(inside(folder, info.artifact_path)))
    path = target / "example.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    return path


def _read(path: Path) -> Any:
    if not path.is_file() or path.stat().st_size > _MOST:
        why = "its input example is no file of a size that is read"
        raise corrupt(why)
    try:
        return msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, OSError, RecursionError) as error:
        why = "its input example is not JSON"
        raise corrupt(why) from error


def _rows(found: Any) -> list[Any]:
    """Rows of a table by column, or of an array: pandas' `split`, or the scoring protocol's `inputs`."""
    if isinstance(found, Mapping) and isinstance(found.get("data"), list):
        columns = found.get("columns")
        rows = found["data"]
        if columns is None:
            return list(rows)
        return [dict(zip(map(str, columns), row, strict=False)) for row in rows if isinstance(row, list)]
    if isinstance(found, Mapping) and isinstance(found.get("inputs"), list):
        return [{"input": row} if _is_nested(row) else row for row in found["inputs"]]
    if isinstance(found, list):
        return found
    why = "its input example holds no rows"
    raise corrupt(why)


def _is_nested(row: Any) -> bool:
    return isinstance(row, list) and bool(row) and isinstance(row[0], list)
