"""What the bot puts into a message of the stand-in Discord: text, files, embeds, components."""

import re
from collections.abc import Sequence
from itertools import count

from tests.fakes.discord_calls import Call, Refused
from tests.fakes.discord_cdn import Cdn
from tests.fakes.discord_chats import EPHEMERAL, Channel
from tests.fakes.discord_objects import Attachment, Json, walk

FILE_FIELD = re.compile(r"files\[(\d+)\]")
EMPTY: Json = {"content": "", "embeds": [], "components": []}


def check_sizes(call: Call, file_limit: int) -> None:
    """Raises Refused with 40005 when a file has more bytes than the limit of the place."""
    if any(len(file.data) > file_limit for file in call.files):
        raise Refused(40005)


def new_content(cdn: Cdn, call: Call, payload: Json, channel: Channel) -> Json:
    """The fields of a message to be made. Raises Refused when it would be empty."""
    fields = _content(payload)
    fields["attachments"] = _attachments(cdn, call, payload, channel, [])
    if not any(fields.values()):
        raise Refused(50006)
    return fields | {"flags": payload.get("flags", 0) & ~EPHEMERAL}


def changed_content(cdn: Cdn, call: Call, payload: Json, channel: Channel, kept: Sequence[Attachment]) -> Json:
    """The fields of a message that change: attachments that are listed stay, all others go."""
    fields = _content(payload)
    if "attachments" in payload or call.files:
        fields["attachments"] = _attachments(cdn, call, payload, channel, kept)
    return fields


def numbered(components: list[Json]) -> list[Json]:
    """The components with an id each, as Discord gives them."""
    numbers = count(1)
    for each in walk(components):
        each.setdefault("id", next(numbers))
    return components


def _content(payload: Json) -> Json:
    fields: Json = {name: payload[name] or type(empty)() for name, empty in EMPTY.items() if name in payload}
    if "components" in fields:
        fields["components"] = numbered(fields["components"])
    return fields


def _attachments(
    cdn: Cdn, call: Call, payload: Json, channel: Channel, kept: Sequence[Attachment]
) -> list[Attachment]:
    uploads = {number[1]: file for file in call.files if (number := FILE_FIELD.fullmatch(file.field))}
    old = {str(file.id): file for file in kept}
    listed: list[Json] = payload.get("attachments") or (
        [] if "attachments" in payload else [{"id": number} for number in (*old, *uploads)]
    )
    attachments: list[Attachment] = []
    for entry in listed:
        number = str(entry["id"])
        if number in old:
            attachments.append(old[number])
        elif number in uploads:
            name = entry.get("filename") or uploads[number].name
            data, description = uploads[number].data, entry.get("description")
            attachments.append(cdn.keep(name, data, description, channel_id=channel.id))
        else:
            raise Refused(50035)
    return attachments
