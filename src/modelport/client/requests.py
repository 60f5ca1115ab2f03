"""Build every request of the client. No I/O."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from modelport.client import replies
from modelport.client.answers import Answer, Inference, ItemError, ModelMetadata, ModelState
from modelport.client.calls import Call
from modelport.core.sights import Taken
from modelport.core.wishes import Truth

if TYPE_CHECKING:
    from modelport.runtimes.batch import Array

Predicted = Answer | list[Answer | ItemError]
_JSON = {"content-type": "application/json"}


def predict(
    model: str,
    items: object,
    *,
    parameters: Mapping[str, Any] | None = None,
    caller_id: str | None = None,
    user_id: str | None = None,
) -> Call[Predicted]:
    """Ask for the predictions of one item or of a list of items."""
    document = {"input": _plain(items), "parameters": parameters, "id": caller_id}
    body = encode({key: value for key, value in document.items() if value is not None})
    path = f"/v1/models/{_segment(model)}/predict"
    return Call("POST", path, replies.predicted, body, _JSON | _sticky(user_id))


def infer(
    model: str,
    inputs: Mapping[str, Array],
    *,
    outputs: Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    caller_id: str | None = None,
    user_id: str | None = None,
) -> Call[Inference]:
    """Ask over Open Inference V2, tensors in binary both ways."""
    from modelport.client import tensors

    described, payload = tensors.encode(inputs)
    document: dict[str, Any] = {
        "inputs": described,
        "parameters": {**(parameters or {}), "binary_data_output": True},
    }
    if caller_id is not None:
        document["id"] = caller_id
    if outputs is not None:
        document["outputs"] = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
    head = encode(document)
    headers = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    path = f"{_v2_model(model)}/infer"
    return Call("POST", path, replies.inferred, b"".join((head, *payload)), headers | _sticky(user_id))


def feedback(model: str, truths: Truth | Iterable[Truth]) -> Call[Taken]:
    """Tell what predictions turned out to be."""
    body = msgspec.json.encode(truths if isinstance(truths, Truth) else tuple(truths), enc_hook=_listed)
    name = model.partition(":")[0]
    return Call("POST", f"/v1/models/{_segment(name)}/feedback", replies.taken, body, _JSON)


def control(url: str | None, key: str | None) -> tuple[str, str | None]:
    """Where the control plane is, and the key for it. Its client is imported when it is asked for."""
    from modelport.client.control.place import locate

    place = locate(url, key)
    return place.url, place.key


def models() -> Call[tuple[ModelState, ...]]:
    """Every served version and its state."""
    return Call("POST", "/v2/repository/index", replies.states, b"{}", _JSON)


def metadata(model: str) -> Call[ModelMetadata]:
    """The contract of one model."""
    return Call("GET", _v2_model(model), replies.metadata)


def openapi() -> Call[dict[str, Any]]:
    """The OpenAPI document of what is served."""
    return Call("GET", "/openapi.json", replies.document)


def ready(model: str | None) -> Call[bool]:
    """Whether the server, or one model, takes requests."""
    path = f"{_v2_model(model)}/ready" if model else "/v2/health/ready"
    return Call("GET", path, _yes, repeatable=False)


def live() -> Call[bool]:
    """Whether the server process answers at all."""
    return Call("GET", "/v2/health/live", _yes, repeatable=False)


def encode(document: object) -> bytes:
    """JSON; arrays and numpy scalars become lists and numbers, NaN becomes null."""
    return msgspec.json.encode(document, enc_hook=_listed)


def _plain(items: object) -> object:
    """Bytes travel as `{"b64": …}`; everything else as it is."""
    if isinstance(items, bytes | bytearray | memoryview):
        return {"b64": base64.b64encode(items).decode("ascii")}
    if isinstance(items, list | tuple):
        return [_plain(item) if isinstance(item, bytes | bytearray | memoryview) else item for item in items]
    return items


def _listed(value: object) -> object:
    """What msgspec does not know: anything with `tolist`, as numpy arrays, scalars and columns have."""
    tolist = getattr(value, "tolist", None)
    if tolist is None:
        msg = f"cannot send a {type(value).__name__}: send text, numbers, lists, objects, bytes or arrays"
        raise TypeError(msg)
    return tolist()


def _v2_model(model: str) -> str:
    """`churn:2` names a version; Open Inference spells it as a path of its own."""
    name, _, version = model.partition(":")
    base = f"/v2/models/{_segment(name)}"
    return f"{base}/versions/{_segment(version)}" if version else base


def _segment(name: str) -> str:
    return quote(name, safe=":@")


def _sticky(user_id: str | None) -> dict[str, str]:
    return {} if user_id is None else {"x-user-id": user_id}


def _yes(_: object) -> bool:
    return True
