"""What the calls of every HTTP codec have in common."""

from __future__ import annotations

from modelport.serving.call import Call
from modelport.serving.http.exchange import HIT, Exchange


class HttpCall(Call):
    """A call that came in an exchange, and is answered there. Its constructor sets `exchange`."""

    __slots__ = ("exchange",)
    exchange: Exchange

    @property
    def directives(self) -> bytes:
        """The caller's `Cache-Control`."""
        return self.exchange.headers.get(b"cache-control", b"")

    def repeated(self) -> None:
        """Say so in a header."""
        self.exchange.extra += HIT
