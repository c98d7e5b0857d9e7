"""What Gradio's page gets before Gradio itself: our script."""

import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio tells link previews of itself, with pictures from its own site.
FOREIGN: Final = re.compile(rb"<meta[^>]*(?:og:|twitter:)[^>]*>", re.IGNORECASE)


class HeadScript:
    """ASGI middleware that puts a script at the very beginning of pages.

    Gradio's own option for that runs it when the language of the labels is settled already.
    """

    def __init__(self, app: ASGIApp, script: str) -> None:
        self._app = app
        self._element = f"<head><script>{script}</script>".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        # Not compressed, as it is still to be changed.
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        start: Message = {}
        body = bytearray()

        async def send_whole(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body", False):
                page = FOREIGN.sub(b"", bytes(body)).replace(b"<head>", self._element, 1)
                MutableHeaders(scope=start)["content-length"] = str(len(page))
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self._app({**scope, "headers": headers}, receive, send_whole)
