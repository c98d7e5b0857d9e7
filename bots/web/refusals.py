"""Requests that are not answered, with a sentence; and bodies that may not grow without end."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bots.locales import Locale


class Refused(Exception):
    """A request is refused. `message` names the sentence for whoever sent it, `values` fill it."""

    def __init__(self, status: int, message: str, **values: object) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.values = values

    def response(self, locale: Locale, *, as_json: bool = False) -> Response:
        """The answer, in words; as JSON where Gradio's own part in the browser reads it."""
        text = locale.say(self.message, **self.values)
        return JSONResponse({"detail": text}, self.status) if as_json else PlainTextResponse(text, self.status)


async def body_of(request: Request, most: int) -> bytes:
    """The whole body of a request. Raises Refused above so many bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refused(413, "web-request-heavy")
    return bytes(body)
