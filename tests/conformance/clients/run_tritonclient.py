"""Asks a server through tritonclient, which is used as it is. Run by the interpreter that has it:

    python run_tritonclient.py HOST:PORT [aio] < calls.json > answers.json

A call is `{"method": name, ...arguments}` of `InferenceServerClient`; tensors are
`{"datatype", "shape", "values", "binary"}` by name. An answer is what the method returned, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
import tritonclient.http  # type: ignore[import-not-found]
import tritonclient.http.aio  # type: ignore[import-not-found]
from tritonclient.utils import (  # type: ignore[import-not-found]
    InferenceServerException,
    triton_to_np_dtype,
)


class Watched(tritonclient.http.InferenceServerClient):  # type: ignore[misc]
    """The client; it remembers how the last answer was coded."""

    coding: str | None = None

    def _post(self, *arguments: Any, **more: Any) -> Any:
        response = super()._post(*arguments, **more)
        self.coding = response.get("Content-Encoding")
        return response


def inputs(tensors: dict[str, Any]) -> list[Any]:
    """The tensors as the client takes them."""
    return [one_input(name, **tensor) for name, tensor in tensors.items()]


def one_input(name: str, datatype: str, shape: list[int], values: Any, *, binary: bool) -> Any:
    tensor = tritonclient.http.InferInput(name, shape, datatype)
    tensor.set_data_from_numpy(
        np.array(values, triton_to_np_dtype(datatype)).reshape(shape), binary_data=binary
    )
    return tensor


def outputs(wanted: list[dict[str, Any]] | None) -> list[Any] | None:
    """The outputs asked for; None is all of them."""
    return wanted and [tritonclient.http.InferRequestedOutput(**one) for one in wanted]


def seen(result: Any, names: list[str]) -> dict[str, Any]:
    """What the client makes of an answer."""
    return {
        "outputs": {name: listed(result.as_numpy(name)) for name in names},
        "response": result.get_response(),
    }


def listed(array: Any) -> Any:
    """An array with its dtype, texts decoded; None stays."""
    if array is None:
        return None
    if array.dtype == np.object_:
        array = np.array([decoded(text) for text in array.reshape(-1)], object).reshape(array.shape)
    return {"dtype": array.dtype.name, "values": array.tolist()}


def decoded(text: Any) -> str:
    """The client gives bytes from a binary tensor and str from JSON."""
    return text.decode() if isinstance(text, bytes) else text


def infer(client: Any, look: list[str], tensors: Any, wanted: Any = None, **more: Any) -> Any:
    """One inference; `look` names the outputs to read."""
    result = client.infer(inputs=inputs(tensors), outputs=outputs(wanted), **more)
    return seen(result, look) | {"coding": client.coding}


def async_infer(
    client: Any, look: list[str], times: int, tensors: Any, wanted: Any = None, **more: Any
) -> Any:
    """The same inference several times at once."""
    started = [
        client.async_infer(inputs=inputs(tensors), outputs=outputs(wanted), **more) for _ in range(times)
    ]
    return [seen(request.get_result(), look) for request in started]


def answered(client: Any, method: str, **arguments: Any) -> Any:
    """What a call returns, or how it fails."""
    try:
        match method:
            case "infer":
                return infer(client, **arguments)
            case "async_infer":
                return async_infer(client, **arguments)
            case _:
                return getattr(client, method)(**arguments)
    except InferenceServerException as error:
        return {"error": error.message(), "status": error.status()}


async def awaited(url: str, calls: list[dict[str, Any]]) -> list[Any]:
    """The same through the asyncio client."""
    async with tritonclient.http.aio.InferenceServerClient(url) as client:
        return [await one_awaited(client, **call) for call in calls]


async def one_awaited(client: Any, method: str, **arguments: Any) -> Any:
    try:
        if method != "infer":
            return await getattr(client, method)(**arguments)
        look, tensors, wanted = arguments.pop("look"), arguments.pop("tensors"), arguments.pop("wanted", None)
        result = await client.infer(inputs=inputs(tensors), outputs=outputs(wanted), **arguments)
        return seen(result, look)
    except InferenceServerException as error:
        return {"error": error.message(), "status": error.status()}


def main() -> None:
    url, *kind = sys.argv[1:]
    calls = json.load(sys.stdin)
    if kind:
        answers = asyncio.run(awaited(url, calls))
    else:
        with Watched(url, concurrency=8) as client:
            answers = [answered(client, **call) for call in calls]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
