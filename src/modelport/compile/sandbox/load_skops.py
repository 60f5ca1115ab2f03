"""skops files: estimators without pickled code."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from modelport.bundle import magic
from modelport.compile.sandbox.skops_types import allowed
from modelport.errors import SourceRefused


def load(path: Path) -> Any:
    """The object in the file.

    Raises `SourceRefused` (`skops-untrusted`) when the file names types beyond the fixed list.
    """
    from skops import io as skops

    data = path.read_bytes()
    if magic.kind_of(data) != "skops":
        msg = "the file is not a skops file"
        raise SourceRefused(msg, code="source-mismatch")
    unknown = skops.get_untrusted_types(data=data)
    foreign = [name for name in unknown if not allowed(name)]
    if foreign:
        msg = f"the skops file names types that are not trusted: {', '.join(foreign[:8])}"
        raise SourceRefused(msg, code="skops-untrusted", hint="pack the live model from Python instead")
    return skops.load(io.BytesIO(data), trusted=unknown)
