"""A call of the bot to the stand-in Discord, read from the wire, and the refusal of one."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.discord_objects import Json
from tests.fakes.discord_schema import Upload

# By Discord's own code: HTTP status and message.
REFUSALS = {
    0: (401, "401: Unauthorized"),
    10003: (404, "Unknown Channel"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40094: (403, "Limit exceeded for followup messages"),
    50001: (403, "Missing Access"),
    50003: (403, "Cannot execute action on a DM channel"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50027: (401, "Invalid Webhook Token"),
    50035: (400, "Invalid Form Body"),
    160002: (403, "Cannot reply without permission to read message history"),
}


class Refused(Exception):
    """Discord answers that it will not do this, with one of its own codes or a plain HTTP status."""

    def __init__(self, code: int, detail: str = "", **more: Any) -> None:
        self.status, message = REFUSALS.get(code, (code, f"{code}: refused"))
        known = code in REFUSALS
        self.body: Json = {"message": detail or message, "code": code if known else 0, **more}
        super().__init__(self.body["message"])


@dataclass(eq=False)
class Call:
    """One request of the bot. `route` is its template; `at` is in seconds of time.monotonic().

    `status` is what it was answered, 0 until then and when the connection was closed instead.
    """

    method: str
    route: str
    path: str
    parameters: dict[str, str]
    query: dict[str, str]
    payload: Any
    files: list[Upload] = field(repr=False)
    size: int
    token: str | None = field(repr=False)
    at: float = field(default_factory=time.monotonic)
    status: int = 0

    def id(self, name: str) -> int:
        """A snowflake in the path; 0, which nothing has, for what is none."""
        text = self.parameters.get(name, "")
        return int(text) if text.isdecimal() else 0


async def read_call(request: web.Request, root: str) -> Call:
    """Read a JSON body, or a form that carries it as payload_json beside its files."""
    payload: Any = None
    files: list[Upload] = []
    if request.content_type == "multipart/form-data":
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                with value.file as body:
                    files.append(Upload(value.filename, value.content_type, body.read(), name))
            elif name == "payload_json":
                payload = json.loads(str(value))
    elif request.can_read_body:
        payload = await request.json()
    resource = request.match_info.route.resource
    return Call(
        request.method,
        resource.canonical.removeprefix(root) if resource else "",
        request.path.removeprefix(root),
        dict(request.match_info),
        dict(request.query),
        payload,
        files,
        request.content_length or 0,
        request.headers.get("Authorization"),
    )
