"""Requests that are not answered, with a sentence; and bodies that may not grow without end."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from bots.locales import Locale


class Refused(Exception):
    """A request is refused. `message` names the sentence for whoever sent it, `values` fill it."""

    def __init__(self, status: int, message: str, **values: object) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.values = values

    def response(self, locale: Locale) -> PlainTextResponse:
        """The answer, in words."""
        return PlainTextResponse(locale.say(self.message, **self.values), self.status)


async def body_of(request: Request, most: int) -> bytes:
    """The whole body of a request. Raises Refused above so many bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refused(413, "web-request-heavy")
    return bytes(body)
