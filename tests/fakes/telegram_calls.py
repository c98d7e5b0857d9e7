"""A call of the bot to the stand-in Telegram, read from the wire, and the refusal of one."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.telegram_chats import Json
from tests.fakes.telegram_schema import Upload

# Forms carry these as they are and everything else as JSON.
PLAIN_TEXT = {
    "action",
    "business_connection_id",
    "callback_query_id",
    "caption",
    "description",
    "document",
    "file_id",
    "inline_message_id",
    "ip_address",
    "language_code",
    "message_effect_id",
    "parse_mode",
    "photo",
    "secret_token",
    "short_description",
    "text",
    "url",
}


class Refused(Exception):
    """Telegram answers that it will not do this."""

    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status = status
        self.parameters = parameters


@dataclass(frozen=True)
class Call:
    """One request of the bot. `time` is in seconds of time.monotonic(); a file's key is its form name."""

    method: str
    fields: Json
    files: dict[str, Upload] = field(default_factory=dict[str, Upload])
    time: float = field(default_factory=time.monotonic)


async def read_call(request: web.Request) -> Call:
    """Parameters from the query, a JSON body or a form; form values that are JSON are parsed."""
    raw: Json = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        raw |= await request.json()
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            with value.file as body:
                files[name] = Upload(value.filename, value.content_type, body.read())
        else:
            raw[name] = value
    fields = {name: parsed(name, value) for name, value in raw.items()}
    return Call(request.match_info["method"], fields, files)


def parsed(name: str, value: object) -> object:
    """The value of a field; one that should be JSON and is not stays text, for the check to refuse."""
    if isinstance(value, str) and name not in PLAIN_TEXT:
        with suppress(ValueError):
            return json.loads(value)
    return value
