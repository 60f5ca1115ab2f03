"""Callers of the quickstart: they ask, learn later what was right, and tell it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any, Self

from modelport.client import Answer, Client
from modelport.client.control import Control
from modelport.core.wishes import Truth
from modelport.errors import ModelportError

_BATCH = 500


class Traffic:
    """Asks for one row after the other, `rate` times a second, in a thread of its own, until left.

    `rows` are items with what they really are.

    Attributes:
        answered, failed: how many requests ended well, and how many did not.
        versions: answers by the version that gave them.
    """

    def __init__(
        self,
        client: Client,
        control: Control,
        model: str,
        rows: Sequence[tuple[Any, Any]],
        *,
        rate: float = 150.0,
    ) -> None:
        self._client, self._control, self._model = client, control, model
        self._pairs = cycle(rows)
        self._pause = 1 / rate
        self._learned: deque[Truth] = deque()
        self._over = threading.Event()
        self._asking = threading.Thread(target=self._ask, daemon=True)
        self._telling = threading.Thread(target=self._tell, daemon=True)
        self.answered = self.failed = 0
        self.versions: dict[int, int] = {}

    def __enter__(self) -> Self:
        self._asking.start()
        self._telling.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._asking.join()
        self._telling.join()

    def _ask(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += self._pause
            item, truth = next(self._pairs)
            try:
                answer = self._client.predict(self._model, item)
            except ModelportError:
                self.failed += 1
                continue
            assert isinstance(answer, Answer)
            self.answered += 1
            self.versions[answer.version] = self.versions.get(answer.version, 0) + 1
            self._learned.append(Truth(truth, answer.prediction_id))

    def _tell(self) -> None:
        """Truths go in batches; one that cannot be told now is told with the next."""
        while not self._over.wait(0.5) or self._learned:
            batch = [self._learned.popleft() for _ in range(min(len(self._learned), _BATCH))]
            if not batch:
                continue
            with suppress(ModelportError):
                self._control.feedback.send_many(self._model, batch)
                continue
            self._learned.extendleft(reversed(batch))
            if self._over.is_set():
                return
