"""Checks calls to the stand-in Discord against the published OpenAPI schema (v10) and its written limits."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA_PATH = Path(__file__).resolve().parents[3] / "shared/schemas/discord-openapi.json"
MEGABYTE = 1024 * 1024
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
# What discord.py always sends although the schema has no such property; Discord takes it and does no more with it.
ALSO_SENT: dict[str, set[str]] = {
    "MessageEditRequestPartial": {"tts"},
    "IncomingWebhookUpdateRequestPartial": {"tts"},
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial": {"tts"},
    "ApplicationCommandUpdateRequest": {"nsfw"},
    "RichEmbed": {"flags"},
    "MessageAttachmentRequest": {"content_type", "height", "proxy_url", "size", "spoiler", "url", "width"},
}
MESSAGES = re.compile(r"/channels/\d+/messages(/\d+)?|/webhooks/\d+/[^/]+(/messages/(@original|\d+))?")
CALLBACK = re.compile(r"/interactions/\d+/[^/]+/callback")
COMMANDS = re.compile(r"/applications/\d+(/guilds/\d+)?/commands")
LOCALES = re.compile(
    "ar|bg|cs|da|de|el|en-GB|en-US|es-419|es-ES|fi|fr|he|hi|hr|hu|id|it|ja|ko|lt|nl|no|pl|pt-BR|ro|ru|sv-SE|th|tr|uk"
    "|vi|zh-CN|zh-TW"
)


class Callback(IntEnum):
    """Types of answers to an interaction that have something to check."""

    MESSAGE = 4
    MESSAGE_UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


class Component(IntEnum):
    """Types of components."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    LABEL = 18
    FILE_UPLOAD = 19


@dataclass(frozen=True)
class Upload:
    """A file as it came in a multipart form, in a form field such as "files[0]"."""

    name: str
    mime_type: str
    data: bytes = dataclass_field(repr=False)
    field: str


@cache
def published_schema() -> Json | None:
    """Discord's HTTP API as an OpenAPI 3.1 document, or None where it is not at hand."""
    return json.loads(SCHEMA_PATH.read_text(encoding="utf-8")) if SCHEMA_PATH.exists() else None


def problems(
    method: str,
    path: str,
    query: Mapping[str, str],
    payload: Json | list[Any] | None,
    files: Sequence[Upload],
    *,
    file_limit: int = 10 * MEGABYTE,
) -> list[str]:
    """What is wrong with a call, as sentences: its shape or, where that is right, its limits.

    `path` is below the API's root ("/channels/1/messages"), `payload` the JSON, also that of a multipart form,
    and `file_limit` the most bytes of one file.
    """
    schema = published_schema()
    found = list(SchemaCheck(schema).call(method, path, query, payload, files)) if schema else []
    return found or list(broken_limits(method, path, payload, files, file_limit))


class SchemaCheck:
    """Walks values beside the schema and yields what does not fit."""

    def __init__(self, schema: Json) -> None:
        self._paths: Json = schema["paths"]
        self._schemas: Json = schema["components"]["schemas"]

    def call(
        self, method: str, path: str, query: Mapping[str, str], payload: object, files: Sequence[Upload]
    ) -> Iterator[str]:
        template = self._template(path)
        if template is None or method.lower() not in self._paths[template]:
            yield f"there is no {method} {path}"
            return
        operation: Json = self._paths[template][method.lower()]
        parameters: list[Json] = [*self._paths[template].get("parameters", []), *operation.get("parameters", [])]
        segments = zip(template.split("/"), path.split("/"), strict=True)
        in_path = {name.strip("{}"): text for name, text in segments if "{" in name}
        yield from self._texts(parameters, "path", in_path)
        yield from self._texts(parameters, "query", query)
        yield from self._body(f"{method} {template}", operation.get("requestBody", {}), payload, files)

    def _template(self, path: str) -> str | None:
        """The path template that fits; what is spelled out goes before parameters."""
        fitting = [each for each in self._paths if re.fullmatch(re.sub(r"{\w+}", "[^/]+", each), path)]
        return min(fitting, key=lambda template: template.count("{"), default=None)

    def _texts(self, parameters: Iterable[Json], place: str, texts: Mapping[str, str]) -> Iterator[str]:
        known = {each["name"]: each for each in parameters if each["in"] == place}
        for name, text in texts.items():
            if name in known:
                attempts = [list(self._value(known[name]["schema"], read, name)) for read in _readings(text)]
                yield from min(attempts, key=len)
            else:
                yield f"{name} is not a {place} parameter here"
        yield from (f"{name} is required" for name in known if known[name].get("required") and name not in texts)

    def _body(self, call: str, body: Json, payload: object, files: Sequence[Upload]) -> Iterator[str]:
        content: Json = body.get("content", {})
        if files and "multipart/form-data" not in content:
            yield f"{call} takes no files"
        if payload is not None and "application/json" in content:
            yield from self._value(content["application/json"]["schema"], payload, "body")
        elif payload is not None:
            yield f"{call} takes no JSON"
        elif body.get("required") and not files:
            yield f"{call} needs a body"

    def _value(self, schema: Json, value: object, where: str) -> Iterator[str]:
        schema = self._resolved(schema)
        if not _has_type(schema, value):
            yield f"{where} must be {_types(schema)}, not {value!r:.80}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield _one_of(where, schema["enum"], value)
            return
        for part in schema.get("allOf", []):
            yield from self._value(part, value, where)
        if branches := schema.get("oneOf", schema.get("anyOf")):
            yield from self._branch([self._resolved(each) for each in branches], value, where)
        yield from _size_limits(schema, value, where)
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self._value(schema.get("items", {}), item, f"{where}[{number}]")
        elif isinstance(value, dict) and {"properties", "additionalProperties"} & schema.keys():
            yield from self._object(schema, value, where)

    def _branch(self, branches: Sequence[Json], value: object, where: str) -> Iterator[str]:
        """The fewest problems any branch has with the value; among objects only those of its `type` are asked."""
        if all("const" in each for each in branches):
            consts = [each["const"] for each in branches]
            if value not in consts:
                yield _one_of(where, consts, value)
            return
        fitting = [each for each in branches if _has_type(each, value)]
        if not fitting:
            yield f"{where} must be {' or '.join(_types(each) for each in branches)}, not {value!r:.80}"
            return
        if isinstance(value, dict) and (kinds := [kind for each in fitting for kind in self._kinds(each)]):
            fitting = [each for each in fitting if value.get("type") in self._kinds(each)]
            if not fitting:
                yield _one_of(f"{where}.type", kinds, value.get("type"))
                return
        yield from min((list(self._value(each, value, where)) for each in fitting), key=len)

    def _object(self, schema: Json, value: Json, where: str) -> Iterator[str]:
        known: Json = schema.get("properties", {})
        others: object = schema.get("additionalProperties")
        owner: str = schema.get("title", "this object")
        for name, item in value.items():
            if name in known:
                yield from self._value(known[name], item, f"{where}.{name}")
            elif isinstance(others, dict):
                yield from self._value(others, item, f"{where}.{name}")
            elif name not in ALSO_SENT.get(owner, ()):
                yield f"{where}.{name} is not a property of {owner}"
        missing = [name for name in schema.get("required", []) if name not in value]
        yield from (f"{where}.{name} is required by {owner}" for name in missing)

    def _resolved(self, schema: Json) -> Json:
        """What the schema refers to, with its name as the title."""
        if "$ref" not in schema:
            return schema
        name = schema["$ref"].rpartition("/")[2]
        return self._resolved(self._schemas[name]) | {"title": name}

    def _kinds(self, schema: Json) -> list[object]:
        """What the object's property `type` may be, where it must be there and distinguishes the object."""
        if "type" not in schema.get("required", []):
            return []
        return self._resolved(schema["properties"]["type"]).get("enum", [])


def broken_limits(
    method: str, path: str, payload: Json | list[Any] | None, files: Sequence[Upload], file_limit: int
) -> Iterator[str]:
    """Limits that stand in Discord's prose, and those of its schema that matter to us; needs no schema."""
    yield from _file_limits(files, file_limit)
    if isinstance(payload, list):
        if method == "PUT" and COMMANDS.fullmatch(path):
            yield from _commands_limits(payload)
    elif method == "POST" and COMMANDS.fullmatch(path):
        yield from _commands_limits([payload or {}])
    elif method == "POST" and CALLBACK.fullmatch(path):
        yield from _callback_limits(payload or {}, files)
    elif method in ("POST", "PATCH") and MESSAGES.fullmatch(path):
        yield from _message_limits(payload or {}, files, is_new=method == "POST")


def _file_limits(files: Sequence[Upload], file_limit: int) -> Iterator[str]:
    if len(files) > 10:
        yield f"at most 10 files go with a message, not {len(files)}"
    if (total := sum(len(each.data) for each in files)) > 25 * MEGABYTE:
        yield f"the request is too large: {total} bytes of files"
    for each in files:
        if len(each.data) > file_limit:
            yield f"{each.field} is too large: {len(each.data)} bytes, at most {file_limit}"
        if not re.fullmatch(r"files\[\d\]", each.field):
            yield f"a file's form field is files[0] to files[9], not {each.field}"
    yield from (f"{field} comes twice" for field in _repeated(each.field for each in files))


def _callback_limits(callback: Json, files: Sequence[Upload]) -> Iterator[str]:
    data: Json = callback.get("data") or {}
    match callback.get("type"):
        case Callback.MESSAGE | Callback.MESSAGE_UPDATE as kind:
            yield from _message_limits(data, files, is_new=kind == Callback.MESSAGE)
        case Callback.AUTOCOMPLETE:
            yield from _choice_limits("the answer", data.get("choices"))
        case Callback.MODAL:
            yield from _length("the modal's custom_id", data.get("custom_id"), 1, 100)
            yield from _length("the modal's title", data.get("title"), 1, 45)
            yield from _length("the modal's components", data.get("components"), 1, 5)
            yield from _components_limits(data.get("components") or [])
        case _:
            pass


def _message_limits(message: Json, files: Sequence[Upload], *, is_new: bool) -> Iterator[str]:
    content: str = message.get("content") or ""
    yield from _length("content", content, 0, 2000)
    yield from _length("nonce", str(message.get("nonce") or ""), 0, 25)
    parts = [message.get(name) for name in ("embeds", "components", "sticker_ids", "poll")]
    if is_new and not any((content.strip(), files, *parts)):
        yield "cannot send an empty message: it has no content, files, embeds or components"
    sent = {each.field for each in files}
    for each in message.get("attachments") or []:
        yield from _length(f"the description of attachment {each.get('id')}", each.get("description"), 0, 1024)
        # In an edit any id but a file's number may be that of an attachment that stays.
        stays = not is_new and len(str(each.get("id"))) > 1
        if not stays and f"files[{each.get('id')}]" not in sent:
            yield f"attachment {each.get('id')} is none of the files"
    components: list[Json] = message.get("components") or []
    if (rows := sum(each.get("type") == Component.ACTION_ROW for each in components)) > 5:
        yield f"a message has at most 5 action rows, not {rows}"
    yield from _components_limits(components)


def _components_limits(components: Sequence[Json]) -> Iterator[str]:
    every = list(_nested(components))
    for each in every:
        yield from _component_limits(each)
    repeated = _repeated(each["custom_id"] for each in every if each.get("custom_id"))
    yield from (f"custom_id {custom_id!r} is not the only one" for custom_id in repeated)


def _nested(components: Iterable[Json]) -> Iterator[Json]:
    """The components and, at any depth, those in them."""
    for each in components:
        yield each
        yield from _nested(each.get("components") or [])
        yield from _nested(each[name] for name in ("component", "accessory") if each.get(name))


def _component_limits(component: Json) -> Iterator[str]:
    name = f"the component {component.get('custom_id') or component.get('label')!r:.40}"
    if component.get("custom_id") is not None:
        yield from _length("custom_id", component["custom_id"], 1, 100)
    match component.get("type"):
        case Component.ACTION_ROW:
            yield from _row_limits([each.get("type") for each in component.get("components") or []])
        case Component.BUTTON:
            yield from _length(f"the label of {name}", component.get("label"), 0, 80)
        case Component.STRING_SELECT:
            yield from _length(f"the options of {name}", component.get("options"), 1, 25)
            for option in component.get("options") or []:
                yield from _length("an option's label", option.get("label"), 1, 100)
                yield from _length("an option's value", option.get("value"), 1, 100)
                yield from _length("an option's description", option.get("description"), 0, 100)
        case Component.LABEL:
            yield from _length(f"the label of {name}", component.get("label"), 1, 45)
        case Component.FILE_UPLOAD:
            for least, count in enumerate(("min_values", "max_values")):
                value = component.get(count)
                if value is not None and not least <= value <= 10:
                    yield f"{count} of {name} must be {least}-10, not {value}"
        case _:
            pass


def _row_limits(types: Sequence[object]) -> Iterator[str]:
    if (buttons := types.count(Component.BUTTON)) > 5:
        yield f"a row has at most 5 buttons, not {buttons}"
    if buttons < len(types) and len(types) > 1:  # a row has nothing but buttons and selects
        yield "a select is alone in its row"


def _commands_limits(commands: Sequence[Json]) -> Iterator[str]:
    """Limits of slash commands; those of menus have names of any kind."""
    slash = [each for each in commands if each.get("type") in (None, 1)]
    yield from _length("the list of commands", slash, 0, 100)
    for each in slash:
        yield from _option_limits(each, f"/{each.get('name')}")


def _option_limits(option: Json, where: str) -> Iterator[str]:
    """Limits of a command or of an option, which may have options of its own."""
    for name in (option.get("name", ""), *_localized(option, "name")):
        if not _is_command_name(name):
            yield f"{where} has the name {name!r}: 1-32 lower-case letters, digits, -, _ or '"
    for description in (option.get("description", ""), *_localized(option, "description")):
        yield from _length(f"the description of {where}", description, 1, 100)
    yield from _locale_limits(option, where)
    yield from _choice_limits(where, option.get("choices"))
    options: list[Json] = option.get("options") or []
    yield from _length(f"the options of {where}", options, 0, 25)
    required = [bool(each.get("required")) for each in options]
    if required != sorted(required, reverse=True):
        yield f"{where} has a required option after one that is not"
    for each in options:
        yield from _option_limits(each, f"{where} {each.get('name')}")


def _choice_limits(where: str, choices: Sequence[Json] | None) -> Iterator[str]:
    yield from _length(f"the choices of {where}", choices, 0, 25)
    for each in choices or ():
        for name in (each.get("name", ""), *_localized(each, "name")):
            yield from _length(f"a choice's name of {where}", name, 1, 100)
        if isinstance(value := each.get("value"), str):
            yield from _length(f"a choice's value of {where}", value, 1, 100)
        yield from _locale_limits(each, where)


def _locale_limits(option: Json, where: str) -> Iterator[str]:
    for name in ("name_localizations", "description_localizations"):
        for locale in option.get(name) or {}:
            if not LOCALES.fullmatch(locale):
                yield f"{where} is translated to {locale}, a locale Discord does not know"


def _localized(option: Json, name: str) -> list[str]:
    return [*(option.get(f"{name}_localizations") or {}).values()]


def _is_command_name(name: str) -> bool:
    r"""^[-_'\p{L}\p{N}]{1,32}$, lower case."""
    letters = all(each in "-_'" or unicodedata.category(each)[0] in "LN" for each in name)
    return letters and 1 <= len(name) <= 32 and name == name.lower()


def _length(what: str, value: Sequence[Any] | None, least: int, most: int) -> Iterator[str]:
    if not least <= (length := len(value or ())) <= most:
        yield f"the length of {what} must be {least}-{most}, not {length}"


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _readings(text: str) -> Iterator[object]:
    """What a parameter may mean: JSON's integers and booleans come as text, too."""
    if re.fullmatch(r"-?\d+", text):
        yield int(text)
    if text.lower() in ("true", "false", "0", "1"):
        yield text.lower() in ("true", "1")
    yield text


def _has_type(schema: Json, value: object) -> bool:
    types: list[str] = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if schema.get("format") == "snowflake" and _is_integer(value):
        return True  # Discord takes its ids as numbers, too
    # bool is an int to Python, not to JSON
    return not types or any(
        isinstance(value, JSON_TYPES[name]) and isinstance(value, bool) == (name == "boolean") for name in types
    )


def _types(schema: Json) -> str:
    types: str | list[str] = schema.get("type", "something else")
    return types if isinstance(types, str) else " or ".join(types)


def _one_of(where: str, allowed: Sequence[object], value: object) -> str:
    return f"{where} must be {' or '.join(map(repr, allowed))}, not {value!r:.80}"


def _size_limits(schema: Json, value: object, where: str) -> Iterator[str]:
    if schema.get("format") == "snowflake":
        value = str(value)
        if value.isdecimal() and int(value) >= 2**63:
            yield f"{where} is too large for an id: {value}"
    if isinstance(value, str):
        least, most = schema.get("minLength", 0), schema.get("maxLength", len(value))
        yield from _length(where, value, least, most)
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{where} must look like {schema['pattern']}, not {value!r:.80}"
    elif isinstance(value, list):
        yield from _length(where, value, schema.get("minItems", 0), schema.get("maxItems", len(value)))
    elif isinstance(value, int | float):
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        if not least <= value <= most:
            yield f"{where} must be at {f'least {least}' if value < least else f'most {most}'}, not {value}"


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
