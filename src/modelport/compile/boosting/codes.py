"""Named categories: the codes a library gives them, and rows with them as it takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelport.compile.columns import is_missing
from modelport.compile.sklearn.converters.lookup import Table


def categorised(rows: Any, tables: Mapping[int, Table], *, closed: bool) -> Any:
    """`rows` with those columns as categoricals whose categories are the tables' own, in their order.

    A value that is not among them is absent, or, where `closed`, a `ValueError`. Rows without such columns
    stay what they are.
    """
    if not tables:
        return rows
    import pandas as pd

    frame = pd.DataFrame(rows).copy()
    for place, table in tables.items():
        name = frame.columns[place]
        frame[name] = _categorical(name, frame[name].to_numpy(dtype=object), table, closed=closed)
    return frame


def code_table(categories: Sequence[Any]) -> Table:
    """The places of categories, in order; an unknown one has none, like an absent one."""
    rows = np.concatenate([[np.nan], np.arange(len(categories), dtype=np.float64)]).reshape(-1, 1)
    return Table(tuple(categories), rows)


def _categorical(name: Any, values: Any, table: Table, *, closed: bool) -> Any:
    import pandas as pd

    codes = {category: code for code, category in enumerate(table.categories)}
    found = [-1 if is_missing(value) else codes.get(value, -2) for value in values]
    if closed and -2 in found:
        msg = f"column {name!r} has a category that training did not have: {values[found.index(-2)]!r}"
        raise ValueError(msg)
    return pd.Categorical.from_codes([max(code, -1) for code in found], pd.Index(table.categories))
