"""What people see happen in the channels of the stand-in Discord, written for reading."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.fakes.discord_chats import Channel, Message
from tests.fakes.discord_objects import Attachment, Component, Json, User, walk

PRIMARY = 1  # the style of a button
NEXT_LINE = "\n    "


class Story:
    """One entry for each event, in order: `(Friends #photos) Anna: [cat.jpg 900x600] draw this`."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def said(self, message: Message) -> None:
        """A message is there; a deferred answer shows that somebody is thinking."""
        answered = f" -> [reply to {_author(message.reference)}]" if message.reference else ""
        self._tell(message.channel, f"{_author(message)}{answered}{_audience(message)}: {shown(message)}")

    def edited(self, message: Message) -> None:
        """It looks like this now."""
        self._tell(message.channel, f"{_author(message)} edits{_audience(message)}: {shown(message)}")

    def deleted(self, message: Message, by: User) -> None:
        whose = "" if by is message.author else f" what {_author(message)} sent"
        self._tell(message.channel, f"{_name(by)} deletes{whose}{_audience(message)}: {shown(message)}")

    def typing(self, channel: Channel) -> None:
        """It is shown for 10 s, so one that is only renewed is no news."""
        self._tell(channel, "bot is typing", repeated=False)

    def commanded(self, person: User, channel: Channel, command: str, values: Json) -> None:
        """A slash command with what was given for its options."""
        self._tell(channel, " ".join([f"{person.name}: /{command}", *_values(values)]))

    def completed(self, person: User, channel: Channel, option: str, typed: str, choices: Sequence[Json]) -> None:
        offered = " | ".join(str(choice["name"]) for choice in choices)
        self._tell(channel, f'{person.name} types "{typed}" for {option}: <{offered}>')

    def picked(self, person: User, channel: Channel, command: str, message: Message) -> None:
        """A command out of a message's menu."""
        self._tell(channel, f"{person.name}: Apps > {command} on what {_author(message)} sent: {shown(message)}")

    def pressed(self, person: User, message: Message, label: str) -> None:
        self._tell(message.channel, f"{person.name} presses [{label}]")

    def chose(self, person: User, message: Message, label: str) -> None:
        self._tell(message.channel, f"{person.name} chooses <{label}>")

    def form_shown(self, person: User, channel: Channel, modal: Json) -> None:
        fields = "".join(f"\n{each}" for each in _fields(modal["components"]))
        self._tell(channel, f"bot shows {person.name} the form {modal['title']}{fields}")

    def submitted(self, person: User, channel: Channel, modal: Json, values: Json) -> None:
        self._tell(channel, " ".join([f"{person.name} submits {modal['title']}:", *_values(values)]))

    def _tell(self, channel: Channel, event: str, repeated: bool = True) -> None:
        where = f"({channel.title}) " if channel.title else ""
        entry = where + event.replace("\n", NEXT_LINE)
        if repeated or self.entries[-1:] != [entry]:
            self.entries.append(entry)


def shown(message: Message) -> str:
    """Content and components: one row beside the content, several below it."""
    if message.thinking:
        return "thinking..."
    content = " ".join(_content(message))
    rows = [*_rows(message.components)]
    return "   ".join([content, *rows]) if len(rows) < 2 else "\n".join([content, *rows])


def _author(message: Message) -> str:
    return _name(message.author)


def _name(user: User) -> str:
    return "bot" if user.is_bot else user.name


def _audience(message: Message) -> str:
    return f", only to {message.only_for.name}" if message.only_for else ""


def _content(message: Message) -> Iterator[str]:
    if message.attachments:
        yield f"[{', '.join(map(_file, message.attachments))}]"
    if message.content:
        yield message.content
    yield from (part["content"] for part in message.parts if part["type"] == Component.TEXT_DISPLAY)
    for embed in message.embeds:
        yield f"[embed {embed.get('title', '')}: {embed.get('description', '')}]"


def _file(file: Attachment) -> str:
    size = [f"{file.width}x{file.height}"] if file.width else []
    spoiler = ["[spoiler]"] if file.spoiler else []
    description = [f'"{file.description}"'] if file.description else []
    return " ".join([file.name, *size, *spoiler, *description])


def _rows(components: list[Json]) -> Iterator[str]:
    for each in walk(components):
        if each["type"] == Component.ACTION_ROW:
            yield " ".join(map(_control, each["components"]))


def _control(part: Json) -> str:
    if part["type"] == Component.STRING_SELECT:
        options = (f"*{each['label']}*" if each.get("default") else each["label"] for each in part["options"])
        return f"<{part.get('placeholder') or part['custom_id']}: {' | '.join(options)}>"
    label = part.get("label") or (part.get("emoji") or {}).get("name") or part.get("custom_id", "")
    mark = "*" if part.get("style") == PRIMARY else ""
    off = " (off)" if part.get("disabled") else ""
    return f"[{mark}{label}{mark}{off}]"


def _fields(components: Iterable[Json]) -> Iterator[str]:
    for each in components:
        match each["type"]:
            case Component.LABEL:
                hint = f" ({each['description']})" if each.get("description") else ""
                yield f"{each['label']}{hint}: {_field(each['component'])}"
            case Component.TEXT_DISPLAY:
                yield each["content"]
            case _:
                yield from (f"{part['label']}: {_field(part)}" for part in each.get("components", []))


def _field(part: Json) -> str:
    match part["type"]:
        case Component.FILE_UPLOAD:
            return f"<{part.get('min_values', 1)}-{part.get('max_values', 1)} files>"
        case Component.TEXT_INPUT:
            return f"<text: {part.get('value') or part.get('placeholder') or ''}>"
        case _:
            return _control(part)


def _values(values: Json) -> Iterator[str]:
    for name, value in values.items():
        yield f"{name}={_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, User):
        return f"@{value.name}"
    if isinstance(value, Attachment):
        return f"[{_file(value)}]"
    if isinstance(value, list):
        return f"[{', '.join(_file(each) if isinstance(each, Attachment) else str(each) for each in value)}]"
    return str(value)
