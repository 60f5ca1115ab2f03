"""The configuration language (CONTRACTS 2 to 4): from a text to what is wanted, in three steps.

    read(text)                    text -> documents, checked against `forms`: every fault with line and column
    resolve(documents, binding)   documents -> `Asked`: models and versions found, quantities in their units
    becoming(asked, now)          what an apply changes, as rows

`forms.py` and `config_forms.py` are the one place where keys are described; `schema()` publishes it.
"""

from modelport.control.documents.binding import Binding
from modelport.control.documents.changes import becoming, changes, printed
from modelport.control.documents.reading import Documents, read
from modelport.control.documents.resolving import resolve
from modelport.control.documents.schema import schema
from modelport.control.documents.target import Abilities
from modelport.control.wanted import Asked

__all__ = [
    "Abilities",
    "Asked",
    "Binding",
    "Documents",
    "becoming",
    "changes",
    "printed",
    "read",
    "resolve",
    "schema",
]
