"""An answer that somebody reads while it is made."""

from __future__ import annotations

from harness.errors import ProviderError
from harness.plugins import ModelConnection, StreamingConnection, Tell
from harness.records import Reply, Request


async def told(connection: ModelConnection, request: Request, tell: Tell) -> Reply:
    """The answer, its words told as they come; all at once by a connection that cannot stream.

    Raises ProviderError; what was told cannot be taken back, so one after the first word is not worth a retry.
    """
    if not isinstance(connection, StreamingConnection):
        reply = await connection.complete(request)
        tell(reply.text)
        return reply
    begun = False

    def note(words: str) -> None:
        nonlocal begun
        begun = True
        tell(words)

    try:
        return await connection.stream(request, note)
    except ProviderError as error:
        if not begun:
            raise
        raise ProviderError(f"the answer broke off: {error}", kind="broken_stream") from error
