"""Call a Modelport server from Python: `Client` blocks, `AsyncClient` awaits; both share one core."""

from modelport.client.aio import AsyncClient
from modelport.client.answers import (
    Answer,
    Inference,
    ItemError,
    ModelMetadata,
    ModelState,
    TensorInfo,
)
from modelport.client.retry import NEVER, Retries
from modelport.client.sync import Client
from modelport.core.wishes import Truth

__all__ = [
    "NEVER",
    "Answer",
    "AsyncClient",
    "Client",
    "Inference",
    "ItemError",
    "ModelMetadata",
    "ModelState",
    "Retries",
    "TensorInfo",
    "Truth",
]
