"""The asyncio client: thin I/O around `exchange`, method for method the same as `sync.Client`."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self, overload

import httpx

from modelport.client import many, requests, wire
from modelport.client.aiolink import AsyncLink
from modelport.client.answers import Answer, Inference, ItemError, ModelMetadata, ModelState
from modelport.client.calls import Call
from modelport.client.retry import Retries
from modelport.core.sights import Taken
from modelport.core.wishes import Truth
from modelport.errors import DeadlineExceeded, InvalidInput, Overloaded

if TYPE_CHECKING:
    from modelport.runtimes.batch import Array


class AsyncClient:
    """As `Client`, for asyncio; use it from one event loop.

    async with AsyncClient("http://127.0.0.1:8000") as client:
        answer = await client.predict("churn", {"tenure": 3, "plan": "basic"})
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float | None = 30.0,
        control: str | None = None,
        priority: wire.Priority | None = None,
        retries: Retries = Retries(),  # noqa: B008 - frozen
        verify: wire.Verify = True,
        cert: wire.ClientCertificate | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dial = partial(
            AsyncLink,
            timeout=timeout,
            retries=retries,
            verify=verify,
            cert=cert,
            transport=transport,
            clock=clock,
            uniform=uniform,
            sleep=sleep,
        )
        self._link = self._dial(url, key, priority=priority)
        self._control, self._key = control, key
        self._desk: AsyncLink | None = None

    @overload
    async def predict(
        self,
        model: str,
        input: str | bytes | Mapping[str, Any],
        *,
        parameters: Mapping[str, Any] | None = None,
        id: str | None = None,
        user_id: str | None = None,
        deadline: float | None = None,
    ) -> Answer: ...

    @overload
    async def predict(
        self,
        model: str,
        input: object,
        *,
        parameters: Mapping[str, Any] | None = None,
        id: str | None = None,
        user_id: str | None = None,
        deadline: float | None = None,
    ) -> Answer | list[Answer | ItemError]: ...

    async def predict(
        self,
        model: str,
        input: object,  # noqa: A002 - the word of the contract
        *,
        parameters: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002 - the word of the contract
        user_id: str | None = None,
        deadline: float | None = None,
    ) -> Answer | list[Answer | ItemError]:
        """The prediction of one item, or of each item of a list in order.

        Args:
            model: `churn`, or `churn:2` for one version.
            input: an item is text, an object of columns, a list of numbers, or bytes.
            parameters: for example `{"return_probabilities": True}`.
            id: your own id, echoed.
            user_id: keeps one user on one version while traffic is split.
            deadline: seconds for this call.

        A list in which only some items are wrong answers the rest; the wrong ones are `ItemError`.
        """
        call = requests.predict(model, input, parameters=parameters, caller_id=id, user_id=user_id)
        return await self._link.run(call, deadline)

    async def predict_many(
        self,
        model: str,
        items: Iterable[object],
        *,
        batch: int = 256,
        parameters: Mapping[str, Any] | None = None,
        user_id: str | None = None,
        deadline: float | None = None,
    ) -> AsyncIterator[Answer | ItemError]:
        """Predictions of any number of items, in order, `batch` of them per request.

        `index` counts over all items. `deadline` is for each request. Bad items come as `ItemError`, also
        when a whole request of them was refused.
        """
        for start, chunk in many.chunks(items, batch):
            call = requests.predict(model, chunk, parameters=parameters, user_id=user_id)
            try:
                answers = await self._link.run(call, deadline)
            except InvalidInput as error:
                for refused in many.all_refused(start, chunk, error):
                    yield refused
                continue
            for entry in many.placed(start, answers):
                yield entry

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        outputs: Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002 - the word of the contract
        user_id: str | None = None,
        deadline: float | None = None,
    ) -> Inference:
        """Tensors in, tensors out, over Open Inference V2 with binary data.

        Args:
            inputs: arrays by name, rows first; text as an object array of `str`.
            outputs: names wanted; all of them unless said.
        """
        call = requests.infer(
            model, inputs, outputs=outputs, parameters=parameters, caller_id=id, user_id=user_id
        )
        return await self._link.run(call, deadline)

    async def feedback(self, model: str, truths: Truth | Iterable[Truth]) -> Taken:
        """Tell the control plane what predictions turned out to be: one, or many in one request.

        await client.feedback("churn", Truth("leaves", answer.prediction_id))

        Again, in any order, before the prediction is known or years later; another value for the same
        prediction is a correction, and the newest counts. The key needs the scope `feedback:churn`.
        """
        return await self._told().run(requests.feedback(model, truths))

    async def models(self) -> tuple[ModelState, ...]:
        """Every served version and its state."""
        return await self._link.run(requests.models())

    async def metadata(self, model: str) -> ModelMetadata:
        """The contract of a model: its inputs and outputs."""
        return await self._link.run(requests.metadata(model))

    async def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of what is served; `<model>.Item` in it is what one item looks like."""
        return await self._link.run(requests.openapi())

    async def ready(self, model: str | None = None) -> bool:
        """Whether the server, or one model, takes requests now; False also when nothing answers."""
        return await self._probe(requests.ready(model))

    async def live(self) -> bool:
        """Whether a server answers at all."""
        return await self._probe(requests.live())

    async def aclose(self) -> None:
        """Close every connection."""
        await self._link.aclose()
        if self._desk is not None:
            await self._desk.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _probe(self, call: Call[bool]) -> bool:
        try:
            return await self._link.run(call)
        except (Overloaded, DeadlineExceeded):
            return False

    def _told(self) -> AsyncLink:
        """The link to the control plane, made when it is needed first."""
        self._desk = self._desk or self._dial(*requests.control(self._control, self._key))
        return self._desk
