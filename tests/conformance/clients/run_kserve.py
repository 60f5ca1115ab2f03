"""Asks a server through the REST client of kserve, used as it is. Run by the interpreter that has it:

    python run_kserve.py http://HOST:PORT < calls.json > answers.json

A call is `{"method": name, ...arguments}` of `InferenceRESTClient`; tensors are
`{"datatype", "shape", "values", "binary"}` by name. An answer is what the method returned, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import (  # type: ignore[import-not-found]
    InferenceRESTClient,
    InferInput,
    InferRequest,
    RESTConfig,
)
from kserve.protocol.infer_type import RequestedOutput  # type: ignore[import-not-found]
from kserve.utils.numpy_codec import to_np_dtype  # type: ignore[import-not-found]


def one_input(name: str, datatype: str, shape: list[int], values: Any, *, binary: bool) -> Any:
    """Binary through numpy; JSON as the values are, null for a missing one."""
    if not binary:
        return InferInput(name, shape, datatype, data=values)
    tensor = InferInput(name, shape, datatype)
    kind = object if datatype == "BYTES" else to_np_dtype(datatype)
    tensor.set_data_from_numpy(np.array(values, kind).reshape(shape), binary_data=True)
    return tensor


def listed(output: Any) -> dict[str, Any]:
    """An output as the client reads it, texts decoded."""
    array = output.as_numpy()
    texts = array.dtype == object
    values = (
        [text.decode() if isinstance(text, bytes) else text for text in array.reshape(-1)] if texts else array
    )
    return {"dtype": array.dtype.name, "values": np.array(values, array.dtype).reshape(array.shape).tolist()}


async def infer(
    client: Any, url: str, *, model_name: str, tensors: Any, wanted: Any = None, parameters: Any = None
) -> Any:
    """One inference, and every output of its answer."""
    request = InferRequest(
        model_name=model_name,
        infer_inputs=[one_input(name, **tensor) for name, tensor in tensors.items()],
        request_id="caller's own",
        parameters=parameters,
        request_outputs=wanted and [RequestedOutput(**one) for one in wanted],
    )
    answer = await client.infer(url, request, model_name=model_name)
    return {
        "id": answer.id,
        "model": answer.model_name,
        "outputs": {output.name: listed(output) for output in answer.outputs},
    }


async def answered(client: Any, url: str, method: str, **arguments: Any) -> Any:
    """What a call returns, or how it fails."""
    try:
        if method == "infer":
            return await infer(client, url, **arguments)
        return await getattr(client, method)(url, **arguments)
    except httpx.HTTPStatusError as error:
        return {"status": error.response.status_code, "error": error.response.json()["error"]}


async def main() -> None:
    url = sys.argv[1]
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        answers = [await answered(client, url, **call) for call in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
