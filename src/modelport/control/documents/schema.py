"""The JSON Schema (2020-12) of the documents, made of their forms: what it accepts the reader accepts, up to
what needs the registry or arithmetic (sums of shares, growing steps)."""

from __future__ import annotations

from typing import Any

import msgspec

from modelport.control.documents.forms import FileForm

ID = "urn:modelport:schema:documents:1"
_STRATEGY = "How the version gets to its callers; it decides which other keys there are."


def schema() -> dict[str, Any]:
    """The schema of a file of documents, for editors and for tests of other people's tools."""
    made = msgspec.json.schema(FileForm)
    for form in made["$defs"].values():
        strategy = form["properties"].get("strategy")
        if strategy is not None:
            strategy["description"] = _STRATEGY
    made["$defs"]["FileForm"]["minProperties"] = 1
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Modelport",
        **made,
    }
