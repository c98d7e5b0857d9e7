"""Buttons and lists under messages, however old: what they ask for is in the id that Discord keeps with them."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

import discord
from discord.ui import Button, DynamicItem, Item, Select

from bots.discord.wire import LIST, Interaction

Press = Callable[[Interaction, str], Awaitable[None]]


def dynamic_items(press: Press) -> tuple[type[DynamicItem[Any]], ...]:
    """What to register with the client; `press` hears of each press and of the action it asks for."""

    class ActionButton(DynamicItem[Button[Any]], template=rf"(?!{LIST}:)[a-z]+:.+"):
        @classmethod
        async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
            assert isinstance(item, Button)
            return cls(item)

        async def callback(self, interaction: Interaction) -> None:
            await press(interaction, self.custom_id)

    class ChoiceList(DynamicItem[Select[Any]], template=rf"{LIST}:[a-z]+"):
        @classmethod
        async def from_custom_id(cls, interaction: Interaction, item: Item[Any], match: re.Match[str], /) -> Self:
            assert isinstance(item, discord.ui.Select)
            return cls(item)

        async def callback(self, interaction: Interaction) -> None:
            await press(interaction, self.item.values[0])

    return ActionButton, ChoiceList
