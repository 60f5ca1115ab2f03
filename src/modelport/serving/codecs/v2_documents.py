"""Documents of the Open Inference Protocol V2 that describe what is served."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from modelport import __version__
from modelport.core.signature import Field
from modelport.serving.table import LiveEndpoint, LiveSlot, Table

EXTENSIONS = ("classification", "model_configuration", "binary_tensor_data", "parameters", "statistics")
"""Only what works here."""


def server_metadata() -> dict[str, Any]:
    """The document of `GET /v2`."""
    return {"name": "modelport", "version": __version__, "extensions": EXTENSIONS}


def model_metadata(endpoint: LiveEndpoint, slot: LiveSlot) -> dict[str, Any]:
    """The document of `GET /v2/models/<model>`; shapes and dtypes are those of `slot`."""
    return {
        "name": endpoint.name,
        "versions": [str(version) for version in sorted(endpoint.by_version)],
        "platform": _platform(slot),
        "inputs": _tensors(slot.manifest.signature.inputs),
        "outputs": _tensors(slot.meaning.outputs),
    }


def model_config(endpoint: LiveEndpoint, slot: LiveSlot) -> dict[str, Any]:
    """The document of `GET /v2/models/<model>/config`, with the keys load generators read."""
    return {
        "name": endpoint.name,
        "platform": _platform(slot),
        "backend": slot.manifest.runtime,
        "max_batch_size": slot.parameters.batch_size,
        "input": [_configured(field) for field in slot.manifest.signature.inputs],
        "output": [_configured(field) for field in slot.meaning.outputs],
        "instance_group": [{"kind": "KIND_CPU", "count": slot.spec.instances}],
        "dynamic_batching": {},
        "model_transaction_policy": {"decoupled": False},
    }


def repository_index(table: Table) -> list[dict[str, str]]:
    """The document of `POST /v2/repository/index`. A slot whose load has just failed is not ready."""
    return [
        {
            "name": endpoint.name,
            "version": str(version),
            "state": "UNAVAILABLE" if slot.dispatcher.unready else "READY",
            "reason": slot.dispatcher.unready,
        }
        for endpoint in table.endpoints.values()
        for version, slot in sorted(endpoint.by_version.items())
    ]


def places(endpoints: Iterable[LiveEndpoint], version: int = 0) -> list[tuple[int, str, int]]:
    """Slots as `serving.metrics.statistics` takes them: of all versions of the endpoints, or of one."""
    return [
        (slot.place, endpoint.name, slot.spec.version)
        for endpoint in endpoints
        for slot in sorted(endpoint.slots.values(), key=lambda slot: slot.spec.version)
        if version in {0, slot.spec.version}
    ]


def _platform(slot: LiveSlot) -> str:
    return "onnx_onnxv1" if slot.manifest.runtime == "onnx" else f"modelport_{slot.manifest.runtime}"


def _tensors(fields: Sequence[Field]) -> list[dict[str, Any]]:
    return [{"name": field.name, "datatype": field.dtype, "shape": field.shape} for field in fields]


def _configured(field: Field) -> dict[str, Any]:
    """Sizes without the rows; a scalar per row is a list of one, as the schema has no empty list."""
    kind = "TYPE_STRING" if field.dtype == "BYTES" else f"TYPE_{field.dtype}"
    sizes = field.shape[1:]
    if sizes:
        return {"name": field.name, "data_type": kind, "dims": sizes}
    return {"name": field.name, "data_type": kind, "dims": (1,), "reshape": {"shape": ()}}
