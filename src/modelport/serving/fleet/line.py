"""The wire to a control plane: HTTP with a key, every answer bounded in size and time.

httpx is imported with the first use: a replica that follows no control plane does without.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from modelport.serving.checks import is_loopback

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 16 * 1024 * 1024
"""Longest answer, in bytes."""
CONNECT_SECONDS = 5.0
GRACE_SECONDS = 10.0
"""How much longer than asked for an answer may take."""


class Away(Exception):
    """The control plane cannot be asked, or its answer cannot be used: the text says why."""


class ControlLine:
    """To one control plane, as one replica of a fleet. Owned by the event loop.

    Args:
        url: `http(s)://host:port`.
        key: path of the file that holds the key; read again for every call, so that it can be replaced.
        authorities: path of the certificates that the server's has to come from; None for the system's.
    """

    def __init__(
        self, url: str, *, fleet: str, replica: str, key: str | None = None, authorities: str | None = None
    ) -> None:
        self._base = f"{url.rstrip('/')}/api/v1/fleets/{quote(fleet, safe='')}"
        self._replica = quote(replica, safe="")
        self._key = Path(key) if key else None
        self._authorities = authorities
        self._local = is_loopback(urlsplit(url).hostname or "")
        self._client: httpx.AsyncClient | None = None

    async def newer(self, what: str, after: str, wait: float) -> bytes | None:
        """The document `what` once there is another than `after`; None when none came in `wait` seconds.

        Raises `Away`.
        """
        query = {"wait": f"{wait:g}", **({"after": after} if after else {})}
        return await self._call("GET", f"/{what}", query=query, seconds=wait + GRACE_SECONDS)

    async def tell(self, status: bytes) -> bytes:
        """Post a report; the answer. Raises `Away`."""
        path = f"/replicas/{self._replica}/status"
        return await self._call("POST", path, body=status, seconds=GRACE_SECONDS) or b""

    async def ship(self, file: str, offset: int, frames: bytes) -> bytes:
        """Put whole frames of a spool file at `offset`; the answer. Raises `Away`."""
        path = f"/replicas/{self._replica}/spool/{quote(file, safe='')}"
        query = {"offset": str(offset)}
        return await self._call("PUT", path, query=query, body=frames, seconds=GRACE_SECONDS) or b""

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float,
    ) -> bytes | None:
        import httpx

        client = self._client = self._client or self._connected()
        kind = "application/octet-stream" if method == "PUT" else "application/json"
        headers = self._headers() | ({"content-type": kind} if body is not None else {})
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        try:
            async with client.stream(
                method, self._base + path, params=query, content=body, headers=headers, timeout=timeout
            ) as answer:
                if answer.status_code in {204, 304}:
                    return None
                data = await _body(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            msg = f"{type(error).__name__}{f': {error}' if str(error) else ''}"
            raise Away(msg) from error
        if answer.status_code not in {200, 201}:
            msg = f"it answered {answer.status_code}{_detail(data)}"
            raise Away(msg)
        return data

    def _connected(self) -> httpx.AsyncClient:
        """Proxies are for other machines; redirects are not followed: the key goes to one server only."""
        import httpx

        verify = ssl.create_default_context(cafile=self._authorities)
        return httpx.AsyncClient(verify=verify, trust_env=not self._local, follow_redirects=False)

    def _headers(self) -> dict[str, str]:
        if self._key is None:
            return {}
        try:
            return {"authorization": f"Bearer {self._key.read_text('ascii').strip()}"}
        except (OSError, ValueError) as error:
            msg = f"the key file {self._key.name!r} cannot be read"
            raise Away(msg) from error


async def _body(answer: httpx.Response) -> bytes:
    parts, size = [], 0
    async for part in answer.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            msg = f"its answer is longer than {MAX_ANSWER} bytes"
            raise Away(msg)
    return b"".join(parts)


def _detail(data: bytes) -> str:
    """What a problem document says."""
    import msgspec

    try:
        told = msgspec.json.decode(data).get("detail", "")
    except (msgspec.DecodeError, AttributeError, RecursionError):
        return ""
    return f": {told[:200]}" if isinstance(told, str) and told else ""
