"""Registering the commands with Discord, when they are not what it has: it allows 200 new ones a day."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import app_commands
from discord.http import Route

log = logging.getLogger(__name__)

# What makes a command, an option or a choice what it is. Not `dm_permission`, which follows from `contexts`.
FIELDS: Final = (
    "type",
    "name",
    "name_localizations",
    "description",
    "description_localizations",
    "options",
    "choices",
    "value",
    "required",
    "autocomplete",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    "channel_types",
    "default_member_permissions",
    "contexts",
    "integration_types",
    "nsfw",
)
# Sent as a number, answered as text.
BIG_NUMBERS: Final = ("default_member_permissions",)
UNORDERED: Final = ("contexts", "integration_types", "channel_types")


async def sync(client: discord.Client, tree: app_commands.CommandTree[discord.Client]) -> bool:
    """Register the global commands if they differ from those Discord has; whether they were sent.

    The client must be logged in. Raises discord.HTTPException.
    """
    route = Route("GET", "/applications/{application_id}/commands", application_id=client.application_id)
    registered = await client.http.request(route, params={"with_localizations": "true"})
    wanted = [await _payload(command, tree) for command in tree.get_commands()]
    if _by_name(registered) == _by_name(wanted):
        return False
    await tree.sync()
    log.info("registered %d commands with Discord", len(wanted))
    return True


async def _payload(command: Any, tree: app_commands.CommandTree[discord.Client]) -> Mapping[str, Any]:
    """A command as tree.sync() sends it."""
    if tree.translator is None:
        return command.to_dict(tree)
    return await command.get_translated_payload(tree, tree.translator)


def _by_name(commands: list[Mapping[str, Any]]) -> Mapping[tuple[int, str], object]:
    """Commands without what Discord adds to them and without what means the same; their order means nothing."""
    return {(command.get("type", 1), command["name"]): _essence(command) for command in commands}


def _essence(part: Mapping[str, Any]) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for field in FIELDS:
        value = part.get(field)
        if value is None or value is False or value in ("", [], {}):
            continue
        if field in ("options", "choices"):
            found[field] = [_essence(child) for child in value]
        elif field in UNORDERED:
            found[field] = sorted(value)
        else:
            found[field] = str(value) if field in BIG_NUMBERS else value
    return found
