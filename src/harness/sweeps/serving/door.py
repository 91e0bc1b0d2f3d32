"""Who may ask, and what is taken in: before a request is read."""

from __future__ import annotations

import asyncio
import hmac

from starlette.requests import Request

from harness.plugins.addresses import is_this_machine
from harness.sweeps.serving.refusal import Refused

_BODY_S = 30.0
"""Within this time the body of a request must be here."""


class Door:
    """Lets in who has the key, and what is a request; without a key, who is on this machine."""

    def __init__(self, key: str | None, body_bytes: int) -> None:
        self._key = key.encode() if key else None
        self._most = body_bytes

    def check(self, request: Request) -> None:
        """Raise Refused for a request without the key; where there is none, for one that a web page could have sent."""
        if self._key is None:
            if not is_this_machine(_host(request.headers.get("host", ""))):
                said = "without an API key this server answers only requests to this machine's own address"
                raise Refused(403, said, code="wrong_host")
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._key):
            how = {"www-authenticate": "Bearer"}
            raise Refused(401, "the API key is missing or wrong", code="invalid_api_key", headers=how)

    async def body(self, request: Request) -> bytes:
        """The body. Raises Refused where it is none of JSON, too large or too slow, ClientDisconnect."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, "the content type must be application/json")
        too_large = Refused(413, f"the request is larger than {self._most} bytes", code="request_too_large")
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self._most:
            raise too_large
        content = bytearray()
        try:
            async with asyncio.timeout(_BODY_S):
                async for piece in request.stream():
                    content += piece
                    if len(content) > self._most:
                        raise too_large
        except TimeoutError:
            raise Refused(408, f"the request was not here within {_BODY_S:g} s") from None
        return bytes(content)


def _host(header: str) -> str:
    """The host of a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header
