"""Checks calls to the stand-in Telegram against the published Bot API schema and its written limits."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.fakes.telegram_chats import CHAT_ACTIONS, Json
from tests.fakes.telegram_files import picture_size

SCHEMA_PATH = Path(__file__).resolve().parents[3] / "shared/schemas/telegram-api.json"
ATTACHED = "attach://"
MEGABYTE = 1024 * 1024
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
    "String": (str,),
}
# Megabytes of a document: at Telegram's own server and at a local one.
DOCUMENT_LIMIT, LOCAL_DOCUMENT_LIMIT = 50, 2000


@dataclass(frozen=True)
class Upload:
    """A file as it came in a multipart form."""

    name: str
    mime_type: str
    data: bytes = field(repr=False)


@cache
def published_schema() -> Json | None:
    """The Bot API as data ({"methods": ..., "types": ...}), or None where it is not at hand."""
    return json.loads(SCHEMA_PATH.read_text(encoding="utf-8")) if SCHEMA_PATH.exists() else None


def problems(
    method: str, fields: Json, files: Mapping[str, Upload], document_limit: int = DOCUMENT_LIMIT
) -> list[str]:
    """What Telegram would refuse in a call, as sentences: its shape or, where that is right, its limits."""
    schema = published_schema()
    found = list(SchemaCheck(schema).call(method, fields, files)) if schema else []
    return found or list(broken_limits(method, fields, files, document_limit))


class SchemaCheck:
    """Walks values beside the schema and yields what does not fit."""

    def __init__(self, schema: Json) -> None:
        self._methods: Json = schema["methods"]
        self._types: Json = schema["types"]

    def call(self, method: str, fields: Json, files: Mapping[str, Upload]) -> Iterator[str]:
        if method not in self._methods:
            yield f"there is no method {method}"
            return
        attached = attached_names(fields)
        direct = {name: upload for name, upload in files.items() if name not in attached}
        yield from (f"nothing was uploaded as {name}" for name in sorted(attached - files.keys()))
        yield from self._fields(method, self._methods[method].get("fields", []), fields | direct, where="")

    def _fields(self, owner: str, known: Sequence[Json], values: Json, where: str) -> Iterator[str]:
        by_name = {each["name"]: each for each in known}
        yield from (f"{where}{name} is not a field of {owner}" for name in values if name not in by_name)
        for name, each in by_name.items():
            if name in values:
                yield from self._value(each["types"], values[name], f"{where}{name}")
            elif each["required"]:
                yield f"{where}{name} is required by {owner}"

    def _value(self, types: Sequence[str], value: object, where: str) -> Iterator[str]:
        if isinstance(value, list) and (item_types := _item_types(types)):
            for number, item in enumerate(value):
                yield from self._value(item_types, item, f"{where}[{number}]")
        elif isinstance(value, dict) and (objects := self._objects(types)):
            yield from self._object(objects, value, where)
        elif not any(_is_simple(name, value) for name in types):
            yield f"{where} must be {' or '.join(types)}, not {value!r:.80}"

    def _object(self, names: Sequence[str], value: Json, where: str) -> Iterator[str]:
        """The fewest problems any of the allowed objects has with the value."""
        fitting = [name for name in names if self._kind(name) in (None, value.get("type"))]
        if not fitting:
            yield f"{where}.type {value.get('type')!r} is none of {', '.join(names)}"
            return
        attempts = [
            list(self._fields(name, self._types[name].get("fields", []), value, f"{where}.")) for name in fitting
        ]
        yield from min(attempts, key=len)

    def _objects(self, types: Sequence[str]) -> list[str]:
        """Names of the objects allowed, with families such as InputMedia spelled out."""
        known = [name for name in types if name in self._types]
        return [member for name in known for member in self._types[name].get("subtypes", [name])]

    def _kind(self, name: str) -> str | None:
        """What the object's field `type` must say, if it has such a field."""
        for each in self._types[name].get("fields", []):
            if each["name"] == "type" and (said := re.search(r"must be (\w+)", each["description"])):
                return said.group(1)
        return None


def attached_names(fields: Json) -> set[str]:
    """Names under which the fields expect uploads: attach://<name>, at any depth."""
    return set(re.findall(rf'"{ATTACHED}([^"]+)"', json.dumps(fields)))


def file_source(fields: Json, name: str) -> str:
    """Where a call's file comes from: a file_id, or attach://<name of the upload>."""
    return fields.get(name, ATTACHED + name)


def uploaded(source: str, files: Mapping[str, Upload]) -> Upload | None:
    """The upload a source speaks of, or None for a file_id."""
    return files.get(source.removeprefix(ATTACHED)) if source.startswith(ATTACHED) else None


def broken_limits(method: str, fields: Json, files: Mapping[str, Upload], document_limit: int) -> Iterator[str]:
    """Limits that stand in Telegram's prose, not in its types."""
    if fields.get("message_thread_id") == 1:
        yield "message thread not found: the General topic is addressed without message_thread_id=1"
    yield from _text_limits(method, fields)
    yield from _button_limits(fields.get("reply_markup"))
    match method:
        case "sendPhoto":
            yield from _photo_limits(uploaded(file_source(fields, "photo"), files))
        case "sendDocument":
            yield from _document_limits(uploaded(file_source(fields, "document"), files), document_limit)
        case "sendMediaGroup":
            yield from _album_limits(fields, files, document_limit)
        case "editMessageMedia":
            yield from _media_limits(fields["media"], files, document_limit)
        case "deleteMessages" if not 1 <= len(fields["message_ids"]) <= 100:
            yield f"1-100 messages are deleted at once, not {len(fields['message_ids'])}"
        case "sendChatAction" if fields["action"] not in CHAT_ACTIONS:
            yield f"wrong parameter action in request: {fields['action']}"
        case _:
            yield from _settings_limits(method, fields)


def _text_limits(method: str, fields: Json) -> Iterator[str]:
    if method in ("sendMessage", "editMessageText") and not fields.get("text", "").strip():
        yield "message text is empty"
    if len(fields.get("text", "")) > (200 if method == "answerCallbackQuery" else 4096):
        yield f"message is too long: {len(fields['text'])} characters of text"
    if len(fields.get("caption", "")) > 1024:
        yield f"message caption is too long: {len(fields['caption'])} characters"


def _button_limits(reply_markup: Json | None) -> Iterator[str]:
    for row in (reply_markup or {}).get("inline_keyboard", []):
        for button in row:
            size = len(button.get("callback_data", "-").encode())
            if not 1 <= size <= 64:
                yield f"BUTTON_DATA_INVALID: callback_data of {size} bytes on {button['text']!r}"


def _photo_limits(upload: Upload | None) -> Iterator[str]:
    if upload is None:  # a file_id names what Telegram has taken already
        return
    if len(upload.data) > 10 * MEGABYTE:
        yield f"file is too big for a photo: {len(upload.data)} bytes"
    if (size := picture_size(upload.data)) is None:
        yield "IMAGE_PROCESS_FAILED: the photo is not a picture"
    elif sum(size) > 10_000 or max(size) > 20 * min(size):
        yield f"PHOTO_INVALID_DIMENSIONS: {size[0]}x{size[1]}"


def _document_limits(upload: Upload | None, limit: int) -> Iterator[str]:
    if upload and len(upload.data) > limit * MEGABYTE:
        yield f"file is too big for a document: {len(upload.data)} bytes"


def _media_limits(item: Json, files: Mapping[str, Upload], document_limit: int) -> Iterator[str]:
    upload = uploaded(item["media"], files)
    yield from _text_limits("", item)
    match item["type"]:
        case "photo":
            yield from _photo_limits(upload)
        case "document":
            yield from _document_limits(upload, document_limit)
        case kind:
            yield f"the stand-in knows photos and documents, not {kind}"


def _album_limits(fields: Json, files: Mapping[str, Upload], document_limit: int) -> Iterator[str]:
    media: list[Json] = fields["media"]
    if "reply_markup" in fields:
        yield "reply_markup is not a field of sendMediaGroup"
    if not 2 <= len(media) <= 10:
        yield f"an album has 2-10 items, not {len(media)}"
    if len({item["type"] for item in media}) > 1:
        yield "Document can't be mixed with other media types"
    for item in media:
        yield from _media_limits(item, files, document_limit)


def _settings_limits(method: str, fields: Json) -> Iterator[str]:
    """Limits of what the bot says about itself and of webhooks."""
    if not re.fullmatch("([a-z]{2})?", code := fields.get("language_code", "")):
        yield f"wrong language_code {code!r}: two letters, or none"
    match method:
        case "setMyCommands":
            yield from _command_limits(fields["commands"])
        case "setMyDescription" if len(fields.get("description", "")) > 512:
            yield "the description is longer than 512 characters"
        case "setMyShortDescription" if len(fields.get("short_description", "")) > 120:
            yield "the short description is longer than 120 characters"
        case "setWebhook" if not re.fullmatch("[A-Za-z0-9_-]{1,256}", fields.get("secret_token", "-")):
            yield "secret token contains unallowed characters"
        case "setWebhook" if not 1 <= fields.get("max_connections", 40) <= 100:
            yield f"max_connections is 1-100, not {fields['max_connections']}"
        case _:
            pass


def _command_limits(commands: Sequence[Json]) -> Iterator[str]:
    if len(commands) > 100:
        yield f"BOT_COMMANDS_TOO_MUCH: {len(commands)}"
    for each in commands:
        if not re.fullmatch("[a-z0-9_]{1,32}", each["command"]):
            yield f"BOT_COMMAND_INVALID: {each['command']!r}"
        if not 1 <= len(each["description"]) <= 256:
            yield f"BOT_COMMAND_DESCRIPTION_INVALID: {each['command']!r} has {len(each['description'])} characters"


def _item_types(types: Sequence[str]) -> list[str]:
    return [name.removeprefix("Array of ") for name in types if name.startswith("Array of ")]


def _is_simple(name: str, value: object) -> bool:
    if name == "InputFile":
        return isinstance(value, Upload)
    # bool is an int to Python, not to JSON
    return isinstance(value, JSON_TYPES.get(name, ())) and isinstance(value, bool) == (name == "Boolean")
