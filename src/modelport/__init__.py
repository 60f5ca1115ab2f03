"""Modelport takes a trained model into production and keeps it there."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelport.bundle.reader import open_bundle
    from modelport.client import AsyncClient, Client
    from modelport.client.control import AsyncControl, Control
    from modelport.compile.pack import pack
    from modelport.compile.python.pack import pack_python
    from modelport.compile.transformers.encoder import TextEncoder
    from modelport.runtimes.image.spec import ImageInput

__version__ = "0.1.0"
__all__ = [
    "AsyncClient",
    "AsyncControl",
    "Client",
    "Control",
    "ImageInput",
    "TextEncoder",
    "__version__",
    "open_bundle",
    "pack",
    "pack_python",
]

# Imported when first asked for: a server needs no compiler, a client no runtime.
_HOMES = {
    "AsyncClient": "modelport.client",
    "AsyncControl": "modelport.client.control",
    "Control": "modelport.client.control",
    "Client": "modelport.client",
    "ImageInput": "modelport.runtimes.image.spec",
    "TextEncoder": "modelport.compile.transformers.encoder",
    "open_bundle": "modelport.bundle.reader",
    "pack": "modelport.compile.pack",
    "pack_python": "modelport.compile.python.pack",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'modelport' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(home), name)
