"""What the bot says about itself in the stand-in Telegram."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.telegram_calls import Call
from tests.fakes.telegram_chats import Json


class Profile:
    """The menus, by type of scope and language, and the descriptions, by language; "" is for all the others."""

    def __init__(self) -> None:
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.descriptions: dict[str, str] = {}
        self.short_descriptions: dict[str, str] = {}
        self.methods: dict[str, Callable[[Call], Awaitable[Any]]] = {
            "setMyCommands": self._set_my_commands,
            "deleteMyCommands": self._delete_my_commands,
            "setMyDescription": self._set_my_description,
            "setMyShortDescription": self._set_my_short_description,
        }

    async def _set_my_commands(self, call: Call) -> bool:
        self.commands[_audience(call)] = call.fields["commands"]
        return True

    async def _delete_my_commands(self, call: Call) -> bool:
        self.commands.pop(_audience(call), None)
        return True

    async def _set_my_description(self, call: Call) -> bool:
        self.descriptions[call.fields.get("language_code", "")] = call.fields.get("description", "")
        return True

    async def _set_my_short_description(self, call: Call) -> bool:
        language = call.fields.get("language_code", "")
        self.short_descriptions[language] = call.fields.get("short_description", "")
        return True


def _audience(call: Call) -> tuple[str, str]:
    return call.fields.get("scope", {}).get("type", "default"), call.fields.get("language_code", "")
